//! Charts with axes: columns and lines.

use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{SegmentValue, SegmentedCoord};
use plotters::coord::types::{RangedCoordf64, RangedCoordusize};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Drawn, GRID, HIDDEN, LETTER, Plot, SIZE, font, legend, text_style};
use crate::document::{Chart, ChartKind, ChartValue, Series};

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

impl Plot<'_> {
    /// Returns every label on its own, or only every second or third if they have too little room.
    fn spaced_labels(self, letters: usize, room: u32) -> Vec<String> {
        let labels = self.chart.labels.iter();
        let labels: Vec<String> = labels
            .map(|label| label.chars().take(letters).collect())
            .collect();
        let longest = labels.iter().map(|label| label.chars().count()).max();
        let need = LETTER * (u32::try_from(longest.unwrap_or(0)).unwrap_or(0) + 1);
        let each = room / u32::try_from(labels.len().max(1)).unwrap_or(1);
        let steps = [1, 2, 3, 4, 6];
        let step = steps.into_iter().find(|step| need <= each * step);
        let step = step.unwrap_or(12) as usize;
        let spaced = labels.into_iter().enumerate();
        spaced
            .map(|(place, label)| match place % step {
                0 => label,
                _ => String::new(),
            })
            .collect()
    }
}

type Axes<'a, B> =
    ChartContext<'a, B, Cartesian2d<SegmentedCoord<RangedCoordusize>, RangedCoordf64>>;

/// Draws axes and grid, with the first letters of the labels.
fn axes<'a, B: DrawingBackend>(
    plot: Plot<'_>,
    area: &'a Area<B>,
    letters: usize,
) -> Result<Axes<'a, B>, DrawingAreaErrorKind<B::ErrorType>> {
    let chart = plot.chart;
    let count = chart.labels.len().max(1);
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(10)
        .margin_top(if has_legend(chart) { 28 } else { 10 })
        .x_label_area_size(26)
        .y_label_area_size(axis_width(plot));
    let end = round_up(chart.greatest());
    let mut context = builder.build_cartesian_2d((0..count - 1).into_segmented(), 0.0..end)?;
    let labels = plot.spaced_labels(letters, labels_room(plot, area));
    context
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(font(SIZE))
        .x_labels(count)
        .x_label_formatter(&|at| match at {
            SegmentValue::CenterOf(place) => labels.get(*place).cloned().unwrap_or_default(),
            _ => String::new(),
        })
        .y_labels(steps(area))
        .y_label_formatter(&|amount| plot.value(*amount))
        .draw()?;
    Ok(context)
}

fn has_legend(chart: &Chart) -> bool {
    chart.kind == ChartKind::Lines && chart.series.len() > 1
}

/// Returns the width of the axis with the labels.
fn labels_room<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> u32 {
    area.dim_in_pixel().0 - 20 - axis_width(plot)
}

/// Draws upright columns, one for each label.
pub(super) fn columns<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    let Some(series) = chart.series.first() else {
        return Ok(());
    };
    let mut context = axes(plot, area, usize::MAX)?;
    let each = labels_room(plot, area) / u32::try_from(chart.labels.len().max(1)).unwrap_or(1);
    context.draw_series(
        series
            .values
            .iter()
            .enumerate()
            .filter_map(|(place, amount)| {
                let ends = [
                    (SegmentValue::Exact(place), 0.0),
                    (SegmentValue::Exact(place + 1), amount.shown()?),
                ];
                let mut bar = Rectangle::new(ends, plot.colour(0).filled());
                let gap = if each > 20 { 4 } else { 1 };
                bar.set_margin(0, 0, gap, gap);
                Some(bar)
            }),
    )?;
    context.draw_series(hidden(series).map(star))?;
    Ok(())
}

/// Returns the places of hidden values.
fn hidden(series: &Series) -> impl Iterator<Item = SegmentValue<usize>> {
    let values = series.values.iter().enumerate();
    let hidden = values.filter(|(_, value)| **value == ChartValue::Hidden);
    hidden.map(|(place, _)| SegmentValue::CenterOf(place))
}

/// Marks a hidden value at the axis.
fn star(place: SegmentValue<usize>) -> Text<'static, (SegmentValue<usize>, f64), String> {
    let pos = Pos::new(HPos::Center, VPos::Bottom);
    Text::new(HIDDEN.to_owned(), (place, 0.0), text_style(pos))
}

/// Returns the room of the labels left of an axis.
fn axis_width(plot: Plot<'_>) -> u32 {
    let end = plot.value(round_up(plot.chart.greatest()));
    let letters = u32::try_from(end.chars().count()).unwrap_or(0);
    (LETTER * letters + 14).max(34)
}

/// Returns the number of lines of a grid.
fn steps<B: DrawingBackend>(area: &Area<B>) -> usize {
    if area.dim_in_pixel().1 < 200 { 4 } else { 6 }
}

/// Draws lines over the labels, with a point for each value.
pub(super) fn lines<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    legend(plot, area)?;
    let mut context = axes(plot, area, 3)?;
    for (number, series) in chart.series.iter().enumerate().rev() {
        let colour = plot.colour(number);
        let places: Vec<usize> = (0..series.values.len()).collect();
        // A line ends where a value is missing.
        for stretch in places.chunk_by(|a, b| {
            [a, b]
                .iter()
                .all(|place| series.values[**place].shown().is_some())
        }) {
            let points = stretch.iter().filter_map(|place| {
                let amount = series.values[*place].shown()?;
                Some((SegmentValue::CenterOf(*place), amount))
            });
            let dots = points.clone();
            context.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            context.draw_series(dots.map(|at| Circle::new(at, 3, colour.filled())))?;
        }
        context.draw_series(hidden(series).map(star))?;
    }
    Ok(())
}
