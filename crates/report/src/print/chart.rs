//! Draws charts as SVG, with the plotters library.

use crate::document::{Cell, Chart, ChartKind};
use crate::face::{Colour, ReportColours};
use affluenza_words::Language;
use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::print::PrintError;

const INK: RGBColor = RGBColor(31, 41, 51);
const GRID: RGBColor = RGBColor(225, 229, 234);
/// Width of every chart, in units of the drawing.
const WIDTH: u32 = 760;
const FONT: &str = "sans-serif";
/// Size of all letters: 8 points on paper, after the scale of the page and the divisor of the library.
const SIZE: i32 = 16;

type Area<B> = DrawingArea<B, plotters::coord::Shift>;
type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A chart with the language of its numbers and its colours.
#[derive(Clone, Copy)]
pub(crate) struct Plot<'c> {
    pub chart: &'c Chart,
    pub language: Language,
    pub colours: ReportColours,
}

/// Returns the chart as an SVG document.
pub(crate) fn svg(plot: Plot<'_>) -> Result<String, PrintError> {
    let mut text = String::new();
    let size = size(plot.chart);
    draw(plot, SVGBackend::with_string(&mut text, size))?;
    Ok(text)
}

/// Returns the width and height of a chart, in units of the drawing.
pub(crate) fn size(chart: &Chart) -> (u32, u32) {
    let height = match chart.kind {
        ChartKind::Bars => 60 + 36 * u32::try_from(chart.labels.len()).unwrap_or(0),
        ChartKind::Columns | ChartKind::Lines => 260,
    };
    (WIDTH, height)
}

/// Draws the chart on a backend that has the chart's size.
pub(crate) fn draw<B: DrawingBackend>(plot: Plot<'_>, backend: B) -> Result<(), PrintError> {
    let chart = plot.chart;
    let area = backend.into_drawing_area();
    let drawn = match chart.kind {
        ChartKind::Bars => bars(plot, &area),
        ChartKind::Columns => columns(plot, &area),
        ChartKind::Lines => lines(plot, &area),
    };
    let drawn = drawn.and_then(|()| area.present());
    drawn.map_err(|error| PrintError::Chart {
        chart: chart.id,
        cause: error.to_string(),
    })
}

fn font(size: i32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
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
        match self.chart.percent {
            true => Cell::Share(value),
            false if value > 0.0 && greatest(self.chart) < 1.0 => Cell::Mean(value, 2),
            false if value < 10.0 && value.fract() > 0.0 => Cell::Mean(value, 1),
            false => Cell::Count(value.round() as u64),
        }
        .show(self.language)
    }
}

fn rgb(Colour([red, green, blue]): Colour) -> RGBColor {
    RGBColor(red, green, blue)
}

/// Returns the end of an axis: a round number not below the greatest value.
fn round_up(greatest: f64) -> f64 {
    if greatest <= 0.0 {
        return 1.0;
    }
    let step = 10_f64.powf(greatest.log10().floor());
    let steps = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let fits = steps
        .iter()
        .map(|factor| factor * step)
        .find(|end| *end >= greatest);
    fits.unwrap_or(greatest)
}

fn greatest(chart: &Chart) -> f64 {
    let values = chart.series.iter().flat_map(|series| &series.values);
    values.flatten().copied().fold(0.0, f64::max)
}

/// Draws the legend at the top right, if there is more than one series.
fn legend<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    if chart.series.len() < 2 {
        return Ok(());
    }
    let right = Pos::new(HPos::Right, VPos::Center);
    let mut x = i32::try_from(WIDTH).unwrap_or(i32::MAX) - 14;
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

/// Draws horizontal bars, a group for each label, with the value at the end of each bar.
fn bars<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    legend(plot, area)?;
    let end = match greatest(chart) {
        greatest if greatest > 0.0 => greatest,
        _ => 1.0,
    };
    let count = chart.labels.len().max(1);
    let shape = chart.series.len().max(1) as f64;
    let mut builder = ChartBuilder::on(area);
    builder
        .margin_top(28)
        .margin_right(80)
        .y_label_area_size(290);
    let mut context = builder.build_cartesian_2d(0.0..end, 0.0..count as f64)?;
    let right = Pos::new(HPos::Right, VPos::Center);
    let left = Pos::new(HPos::Left, VPos::Center);
    for (place, label) in chart.labels.iter().enumerate() {
        // The first label is the topmost.
        let top = (count - place) as f64;
        let text = EmptyElement::at((0.0, top - 0.5))
            + Text::new(label.clone(), (-8, 0), text_style(right));
        context.plotting_area().draw(&text)?;
        for (number, series) in chart.series.iter().enumerate() {
            let Some(amount) = series.values.get(place).copied().flatten() else {
                continue;
            };
            let upper = top - 0.14 - 0.72 / shape * number as f64;
            let lower = upper - 0.72 / shape;
            let bar = Rectangle::new(
                [(0.0, lower), (amount, upper)],
                plot.colour(number).filled(),
            );
            context.plotting_area().draw(&bar)?;
            let shown = plot.value(amount);
            let at = EmptyElement::at((amount, f64::midpoint(upper, lower)))
                + Text::new(
                    shown,
                    (6, 0),
                    (FONT, SIZE).into_font().color(&INK).pos(left),
                );
            context.plotting_area().draw(&at)?;
        }
    }
    context
        .configure_mesh()
        .disable_mesh()
        .disable_axes()
        .draw()
}

fn text_style(pos: Pos) -> TextStyle<'static> {
    font(SIZE).pos(pos)
}

/// Draws upright columns, one for each label.
fn columns<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    let Some(series) = chart.series.first() else {
        return Ok(());
    };
    let count = chart.labels.len().max(1);
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(10)
        .x_label_area_size(26)
        .y_label_area_size(66);
    let end = round_up(greatest(chart));
    let mut context = builder.build_cartesian_2d((0..count - 1).into_segmented(), 0.0..end)?;
    context
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(font(SIZE))
        .x_labels(count)
        .x_label_formatter(&|at| match at {
            SegmentValue::CenterOf(place) => chart.labels.get(*place).cloned().unwrap_or_default(),
            _ => String::new(),
        })
        .y_labels(6)
        .y_label_formatter(&|amount| plot.value(*amount))
        .draw()?;
    context.draw_series(
        series
            .values
            .iter()
            .enumerate()
            .filter_map(|(place, amount)| {
                let ends = [
                    (SegmentValue::Exact(place), 0.0),
                    (SegmentValue::Exact(place + 1), (*amount)?),
                ];
                let mut bar = Rectangle::new(ends, plot.colour(0).filled());
                bar.set_margin(0, 0, 4, 4);
                Some(bar)
            }),
    )?;
    Ok(())
}

/// Draws lines over the labels, with a point for each value.
fn lines<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    legend(plot, area)?;
    let count = chart.labels.len().max(1);
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(10)
        .margin_top(28)
        .x_label_area_size(26)
        .y_label_area_size(66);
    let end = round_up(greatest(chart));
    let mut context = builder.build_cartesian_2d((0..count - 1).into_segmented(), 0.0..end)?;
    context
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(font(SIZE))
        .x_labels(count)
        .x_label_formatter(&|at| match at {
            SegmentValue::CenterOf(place) => chart
                .labels
                .get(*place)
                .map(|label| label.chars().take(3).collect())
                .unwrap_or_default(),
            _ => String::new(),
        })
        .y_labels(6)
        .y_label_formatter(&|amount| plot.value(*amount))
        .draw()?;
    for (number, series) in chart.series.iter().enumerate().rev() {
        let colour = plot.colour(number);
        let places: Vec<usize> = (0..series.values.len()).collect();
        // A line ends where a value is missing.
        for stretch in
            places.chunk_by(|a, b| [a, b].iter().all(|place| series.values[**place].is_some()))
        {
            let points = stretch.iter().filter_map(|place| {
                let amount = series.values[*place]?;
                Some((SegmentValue::CenterOf(*place), amount))
            });
            let dots = points.clone();
            context.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            context.draw_series(dots.map(|at| Circle::new(at, 3, colour.filled())))?;
        }
    }
    Ok(())
}
