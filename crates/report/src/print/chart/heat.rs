//! Heat maps: squares in rows and columns.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{
    Area, Drawn, GRID, HIDDEN, INK, LEGEND, LETTER, LINE, Plot, ROW, SIZE, font, label_lines,
    text_style,
};
use crate::document::{Chart, ChartValue};

/// True if the headings of a heat map stand upright, because they are wider than its columns.
fn is_turned(chart: &Chart, width: u32) -> bool {
    let longest = chart.labels.iter().map(|label| label.chars().count()).max();
    let room = (width - names_width(chart, width)) / columns_of(chart);
    LETTER * u32::try_from(longest.unwrap_or(0)).unwrap_or(0) > room
}

fn columns_of(chart: &Chart) -> u32 {
    u32::try_from(chart.labels.len().max(1)).unwrap_or(1)
}

fn names_width(chart: &Chart, width: u32) -> u32 {
    let names = chart.series.iter().map(|row| row.name.chars().count());
    let longest = u32::try_from(names.max().unwrap_or(0)).unwrap_or(0);
    (LETTER * longest + 12).min(width * 4 / 10)
}

/// Returns the heights of the rows, of which a long name needs more lines.
pub(super) fn row_heights(chart: &Chart, width: u32) -> impl Iterator<Item = u32> {
    let room = names_width(chart, width);
    let rows = chart.series.iter();
    rows.map(move |row| {
        let lines = label_lines(&row.name, room).len();
        ROW.max(LINE.unsigned_abs() * u32::try_from(lines).unwrap_or(1))
    })
}

pub(super) fn heads_height(chart: &Chart, width: u32) -> u32 {
    let longest = chart.labels.iter().map(|label| label.chars().count()).max();
    match is_turned(chart, width) {
        true => LETTER * u32::try_from(longest.unwrap_or(0)).unwrap_or(0) + 10,
        false => LINE.unsigned_abs() + 6,
    }
}

/// Sizes of the squares of a heat map: by powers of ten if values differ much, otherwise by area.
#[derive(Clone, Copy)]
enum HeatScale {
    Tens(f64),
    Area(f64),
}

impl HeatScale {
    fn of(chart: &Chart) -> Self {
        let greatest = chart.greatest();
        let least = chart.shown().filter(|value| *value > 0.0);
        match least.fold(greatest, f64::min) * TENS_FROM < greatest {
            true => Self::Tens((greatest.log10() + 1.0).floor()),
            false => Self::Area(greatest),
        }
    }

    /// Returns the side of the square of a value, as a part of the greatest.
    fn side(self, value: f64) -> f64 {
        match self {
            Self::Tens(powers) => (value.log10().max(0.0) + 1.0).floor() / powers,
            Self::Area(greatest) => (value / greatest).sqrt(),
        }
    }

    /// Returns the sizes in the legend.
    fn steps(self, plot: Plot<'_>) -> Vec<HeatStep> {
        match self {
            Self::Tens(powers) => {
                let powers = 0..powers as i32;
                let steps = powers.map(|power| {
                    let [from, to] = [power, power + 1].map(|power| 10_f64.powi(power));
                    let [first, last] = [from, to - 1.0].map(|value| plot.value(value));
                    HeatStep {
                        value: from,
                        words: format!("{first}–{last}"),
                    }
                });
                steps.collect()
            }
            Self::Area(greatest) => {
                let parts = [0.1, 0.5, 1.0].map(|part| part * greatest);
                let words = parts.map(|value| HeatStep {
                    value,
                    words: plot.value(value),
                });
                words.into()
            }
        }
    }
}

/// A size in the legend of a heat map.
struct HeatStep {
    value: f64,
    words: String,
}

/// Least ratio of the greatest to the least value for squares by powers of ten.
const TENS_FROM: f64 = 500.0;

/// Draws squares in rows and columns. All have one colour, so that sizes can be told apart in black
/// and white. A zero is a point, a missing value is blank.
pub(super) fn heat<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    let (width, _) = area.dim_in_pixel();
    let left = names_width(chart, width).cast_signed();
    let cell = (width.cast_signed() - left) / columns_of(chart).cast_signed();
    let top = heads_height(chart, width).cast_signed();
    let most = f64::from(cell.min(ROW.cast_signed()) - 3);
    let scale = HeatScale::of(chart);
    let centred = Pos::new(HPos::Center, VPos::Center);
    for (place, label) in (0..).zip(&chart.labels) {
        let x = left + cell * place + cell / 2;
        let head = match is_turned(chart, width) {
            // A turned text begins at the bottom.
            true => {
                let style = font(SIZE).transform(FontTransform::Rotate270);
                let style = style.pos(Pos::new(HPos::Left, VPos::Center));
                Text::new(label.clone(), (x, top - 6), style)
            }
            false => Text::new(label.clone(), (x, top - 12), text_style(centred)),
        };
        area.draw(&head)?;
    }
    let mut edge = top;
    for (height, row) in row_heights(chart, width).zip(&chart.series) {
        let y = edge + height.cast_signed() / 2;
        let rule = PathElement::new(
            [
                (left, edge),
                (left + cell * columns_of(chart).cast_signed(), edge),
            ],
            GRID,
        );
        area.draw(&rule)?;
        edge += height.cast_signed();
        row_name(area, &row.name, (left, y))?;
        for (column, value) in (0..).zip(&row.values) {
            let x = left + cell * column + cell / 2;
            match value {
                ChartValue::Missing => {}
                ChartValue::Hidden => {
                    area.draw(&Text::new(HIDDEN.to_owned(), (x, y), text_style(centred)))?;
                }
                ChartValue::Shown(0.0) => {
                    area.draw(&Circle::new((x, y), 1, INK.filled()))?;
                }
                ChartValue::Shown(value) => {
                    square(plot, area, (x, y), most * scale.side(*value))?;
                }
            }
        }
    }
    heat_legend(plot, area, scale, most)
}

/// Draws the name of a row left of a point.
fn row_name<B: DrawingBackend>(area: &Area<B>, name: &str, (x, y): (i32, i32)) -> Drawn<B> {
    let lines = label_lines(name, x.unsigned_abs());
    let mut y = y - LINE * (i32::try_from(lines.len()).unwrap_or(1) - 1) / 2;
    for line in lines {
        let right = text_style(Pos::new(HPos::Right, VPos::Center));
        area.draw(&Text::new(line, (x - 8, y), right))?;
        y += LINE;
    }
    Ok(())
}

/// Draws a square of at least three units around a point.
fn square<B: DrawingBackend>(
    plot: Plot<'_>,
    area: &Area<B>,
    (x, y): (i32, i32),
    side: f64,
) -> Drawn<B> {
    let half = (side / 2.0).max(1.5);
    let [left, right] = [-half, half].map(|by| (f64::from(x) + by).round() as i32);
    let [top, bottom] = [-half, half].map(|by| (f64::from(y) + by).round() as i32);
    area.draw(&Rectangle::new(
        [(left, top), (right, bottom)],
        plot.colour(0).filled(),
    ))
}

/// Least width of a chart whose legend has one line.
const ONE_LINE: u32 = 600;

pub(super) fn legend_height(width: u32) -> u32 {
    LEGEND * if width < ONE_LINE { 2 } else { 1 }
}

/// Draws the sizes of squares with their values below the heat map.
fn heat_legend<B: DrawingBackend>(
    plot: Plot<'_>,
    area: &Area<B>,
    scale: HeatScale,
    most: f64,
) -> Drawn<B> {
    let (width, height) = area.dim_in_pixel();
    let mut y = height.cast_signed() - legend_height(width).cast_signed() + 18;
    let mut x = 12;
    for HeatStep { value, words } in scale.steps(plot) {
        let left = text_style(Pos::new(HPos::Left, VPos::Center));
        let letters = u32::try_from(words.chars().count()).unwrap_or(0);
        if x + 14 + (LETTER * letters).cast_signed() > width.cast_signed() {
            (x, y) = (12, y + LEGEND.cast_signed());
        }
        square(plot, area, (x, y), most * scale.side(value))?;
        area.draw(&Text::new(words, (x + 14, y), left))?;
        x += 14 + (LETTER * letters).cast_signed() + 24;
    }
    Ok(())
}
