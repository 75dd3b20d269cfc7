//! Draws charts as SVG, with the plotters library.

mod axes;
mod bars;
mod heat;

use crate::document::{Chart, ChartKind};
use crate::face::{Colour, ReportColours};
use affluenza_words::Language;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::print::PrintError;
use crate::text::wrap;

const INK: RGBColor = RGBColor(31, 41, 51);
const GRID: RGBColor = RGBColor(225, 229, 234);
/// Width of a chart that takes the whole page, in units of the drawing.
const WIDTH: u32 = 760;
/// Space between charts side by side, in units of the drawing.
pub(crate) const GAP: u32 = 28;
const FONT: &str = "sans-serif";
/// Size of all letters: 8 points on paper, after the scale of the page and the divisor of the library.
const SIZE: i32 = 16;
/// Height of a line of letters, and width of a letter, in units of the drawing.
const LINE: i32 = 16;
const LETTER: u32 = 8;
/// Height of a bar with the space around it: of one series, of one with many labels, and of more
/// series.
const BAR: u32 = 26;
const BAR_OF_MANY: u32 = 20;
const BAR_OF_MORE: u32 = 30;
/// Largest number of labels that are not many.
const MANY: usize = 10;
/// Height of a row of a heat map whose name has one line, and of its legend.
const ROW: u32 = 22;
const LEGEND: u32 = 30;

/// Mark of a value that is not shown to protect people, as in tables.
const HIDDEN: &str = "*";

type Area<B> = DrawingArea<B, plotters::coord::Shift>;
type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A chart with the language of its numbers and its colours.
#[derive(Clone, Copy)]
pub(crate) struct Plot<'c> {
    pub chart: &'c Chart,
    pub language: Language,
    pub colours: ReportColours,
    pub room: ChartRoom,
}

/// Room for a chart, in units of the drawing.
#[derive(Clone, Copy)]
pub(crate) struct ChartRoom {
    pub width: u32,
    /// Height of columns and lines. Other charts are as high as their rows.
    pub height: u32,
}

impl ChartRoom {
    /// Room on a telephone, whose screen has about as many pixels.
    pub const NARROW: Self = Self {
        width: 400,
        height: 240,
    };

    /// Returns the room for one of so many charts side by side on an upright page.
    pub fn on_page(across: u32) -> Self {
        let height = match across {
            1 => 260,
            2 => 190,
            _ => 150,
        };
        Self::within(WIDTH, across, height)
    }

    /// Returns the room for one of so many charts side by side.
    pub fn within(width: u32, across: u32, height: u32) -> Self {
        let width = (width - GAP * (across - 1)) / across;
        Self { width, height }
    }
}

/// Returns the chart as an SVG document.
pub(crate) fn svg(plot: Plot<'_>) -> Result<String, PrintError> {
    let mut text = String::new();
    let size = size(plot.chart, plot.room);
    draw(plot, SVGBackend::with_string(&mut text, size))?;
    Ok(text)
}

/// Returns the width and height of a chart, in units of the drawing.
pub(crate) fn size(chart: &Chart, room: ChartRoom) -> (u32, u32) {
    let width = room.width;
    let count = |list: usize| u32::try_from(list).unwrap_or(0);
    let height = match chart.kind {
        ChartKind::Bars | ChartKind::Changes => {
            let row = match chart.series.len() {
                0 | 1 if chart.labels.len() > MANY => BAR_OF_MANY,
                0 | 1 => BAR,
                _ => BAR_OF_MORE,
            };
            let row = row.max(LINE.unsigned_abs() * count(bars::most_lines(chart, width)));
            bars::bars_top(chart).unsigned_abs() + 4 + row * count(chart.labels.len())
        }
        ChartKind::Columns | ChartKind::Lines => room.height,
        ChartKind::Heat => {
            heat::heads_height(chart, width)
                + heat::row_heights(chart, width).sum::<u32>()
                + heat::legend_height(width)
        }
    };
    (width, height)
}

/// Returns the number of charts in a row, so that rows are full.
pub(crate) fn across(charts: usize) -> u32 {
    match charts {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    }
}

/// Draws the chart on a backend that has the chart's size.
pub(crate) fn draw<B: DrawingBackend>(plot: Plot<'_>, backend: B) -> Result<(), PrintError> {
    let chart = plot.chart;
    let area = backend.into_drawing_area();
    let drawn = match chart.kind {
        ChartKind::Bars | ChartKind::Changes => bars::bars(plot, &area),
        ChartKind::Columns => axes::columns(plot, &area),
        ChartKind::Lines => axes::lines(plot, &area),
        ChartKind::Heat => heat::heat(plot, &area),
    };
    let drawn = drawn.and_then(|()| area.present());
    drawn.map_err(|error| PrintError::Chart {
        chart: chart.id,
        cause: error.to_string(),
    })
}

/// Breaks a label into lines that fit this width.
fn label_lines(label: &str, width: u32) -> Vec<String> {
    let letters = width / (LETTER - 1);
    let wrapped = wrap(label, letters as usize, "");
    wrapped.lines().map(str::to_owned).collect()
}

fn font(size: i32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

fn text_style(pos: Pos) -> TextStyle<'static> {
    font(SIZE).pos(pos)
}

impl Plot<'_> {
    /// Returns the colour of a series: the first is of the report's own year.
    fn colour(self, series: usize) -> RGBColor {
        rgb(match series {
            0 => self.colours.accent,
            _ => self.colours.compared,
        })
    }

    fn value(self, value: f64) -> String {
        self.chart.show(value, self.language)
    }
}

fn rgb(Colour([red, green, blue]): Colour) -> RGBColor {
    RGBColor(red, green, blue)
}

/// Draws the legend at the top right, if there is more than one series.
fn legend<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    if chart.series.len() < 2 {
        return Ok(());
    }
    let right = Pos::new(HPos::Right, VPos::Center);
    let mut x = area.dim_in_pixel().0.cast_signed() - 14;
    for (place, series) in chart.series.iter().enumerate().rev() {
        area.draw(&Text::new(
            series.name.clone(),
            (x, 12),
            font(SIZE).pos(right),
        ))?;
        x -= 10 + 9 * i32::try_from(series.name.chars().count()).unwrap_or(0);
        area.draw(&Rectangle::new(
            [(x - 12, 6), (x, 18)],
            plot.colour(place).filled(),
        ))?;
        x -= 30;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{ChartValue, Series};

    /// Returns the lines of the drawing of a shown, a hidden, a missing and a zero value.
    fn drawn(kind: ChartKind) -> Vec<String> {
        let values = vec![
            ChartValue::Shown(5.0),
            ChartValue::Hidden,
            ChartValue::Missing,
            ChartValue::Shown(0.0),
        ];
        let chart = Chart {
            id: "test-chart",
            title: String::new(),
            description: String::new(),
            kind,
            labels: ["a", "b", "c", "d"].map(str::to_owned).into(),
            series: vec![Series {
                name: "row".to_owned(),
                values,
            }],
            percent: false,
        };
        let plot = Plot {
            chart: &chart,
            language: Language::EN,
            colours: ReportColours::default(),
            room: ChartRoom::on_page(1),
        };
        svg(plot).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_hidden_value_is_a_star_and_a_missing_one_a_gap() {
        for kind in [
            ChartKind::Bars,
            ChartKind::Changes,
            ChartKind::Columns,
            ChartKind::Lines,
            ChartKind::Heat,
        ] {
            let lines = drawn(kind);
            let stars = lines.iter().filter(|line| *line == HIDDEN).count();
            assert_eq!(stars, 1, "{kind:?}");
        }
        let points = drawn(ChartKind::Lines);
        let points = points.iter().filter(|line| line.starts_with("<circle"));
        assert_eq!(points.count(), 2, "one for each shown value");
        let heat = drawn(ChartKind::Heat);
        let points = heat.iter().filter(|line| line.starts_with("<circle"));
        assert_eq!(points.count(), 1, "for zero");
    }

    /// A label that begins left of the drawing would be cut.
    #[test]
    fn long_labels_are_broken_on_a_narrow_screen() {
        let long = "Unione Montana dei Comuni del Mugello";
        for kind in [ChartKind::Bars, ChartKind::Heat] {
            let rows = [long, "Londa"].map(|name| Series {
                name: name.to_owned(),
                values: vec![ChartValue::Shown(5.0); 2],
            });
            let chart = Chart {
                id: "test-chart",
                title: String::new(),
                description: String::new(),
                kind,
                labels: vec![long.into(), "b".into()],
                series: rows.into(),
                percent: false,
            };
            let plot = Plot {
                chart: &chart,
                language: Language::IT,
                colours: ReportColours::default(),
                room: ChartRoom::NARROW,
            };
            let drawing = svg(plot).unwrap();
            for part in ["Unione Montana dei", "Comuni del Mugello"] {
                assert!(
                    drawing.lines().any(|line| line == part),
                    "{kind:?}: {drawing}"
                );
            }
        }
    }
}
