//! Horizontal bars.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Drawn, HIDDEN, LETTER, LINE, Plot, label_lines, legend, text_style};
use crate::document::{Chart, ChartValue};

/// Returns the room of the labels left of bars: as much as they need, up to four tenths.
fn labels_width(chart: &Chart, width: u32) -> u32 {
    let longest = chart.labels.iter().map(|label| label.chars().count()).max();
    let longest = u32::try_from(longest.unwrap_or(0)).unwrap_or(0);
    (LETTER * longest + 14).min(width * 4 / 10)
}

pub(super) fn most_lines(chart: &Chart, width: u32) -> usize {
    let room = labels_width(chart, width);
    let lines = chart.labels.iter();
    let lines = lines.map(|label| label_lines(label, room).len());
    lines.max().unwrap_or(1)
}

/// Returns the space above bars: that of the legend, if there is one.
pub(super) fn bars_top(chart: &Chart) -> i32 {
    if chart.series.len() < 2 { 4 } else { 28 }
}

/// Draws horizontal bars, a group for each label, with the value at the end of each bar. Bars of
/// negative values begin at the same line, and go to the left.
pub(super) fn bars<B: DrawingBackend>(plot: Plot<'_>, area: &Area<B>) -> Drawn<B> {
    let chart = plot.chart;
    legend(plot, area)?;
    let (width, height) = area.dim_in_pixel();
    let label_room = labels_width(chart, width).cast_signed();
    let top = bars_top(chart);
    let row = f64::from(height.cast_signed() - top - 4) / chart.labels.len().max(1) as f64;
    let shape = chart.series.len().max(1) as f64;
    let scale = BarScale::new(plot, label_room, width.cast_signed());
    let right = Pos::new(HPos::Right, VPos::Center);
    for (place, label) in chart.labels.iter().enumerate() {
        let middle = f64::from(top) + row * (place as f64 + 0.5);
        let lines = label_lines(label, label_room.cast_unsigned());
        let mut y = middle as i32 - LINE * (i32::try_from(lines.len()).unwrap_or(1) - 1) / 2;
        for line in lines {
            area.draw(&Text::new(line, (label_room - 8, y), text_style(right)))?;
            y += LINE;
        }
        for (number, series) in chart.series.iter().enumerate() {
            let upper = middle - 0.41 * row + 0.82 * row / shape * number as f64;
            let lower = upper + 0.82 * row / shape;
            let y = f64::midpoint(upper, lower) as i32;
            let (text, at) = match series.values.get(place) {
                Some(ChartValue::Shown(amount)) => {
                    let ends = [(scale.zero, upper as i32), (scale.x(*amount), lower as i32)];
                    area.draw(&Rectangle::new(ends, plot.colour(number).filled()))?;
                    (plot.value(*amount), *amount)
                }
                Some(ChartValue::Hidden) => (HIDDEN.to_owned(), 0.0),
                Some(ChartValue::Missing) | None => continue,
            };
            let (from, side) = match at < 0.0 {
                true => (-6, HPos::Right),
                false => (6, HPos::Left),
            };
            let style = text_style(Pos::new(side, VPos::Center));
            area.draw(&Text::new(text, (scale.x(at) + from, y), style))?;
        }
    }
    Ok(())
}

/// Positions of the ends of bars.
struct BarScale {
    /// Position at which bars begin.
    zero: i32,
    units: f64,
}

impl BarScale {
    /// Leaves room for the values at the ends of the bars.
    fn new(plot: Plot<'_>, from: i32, to: i32) -> Self {
        let least = plot.chart.shown().fold(0.0, f64::min);
        let greatest = plot.chart.greatest();
        let letters = plot
            .chart
            .shown()
            .map(|value| plot.value(value).chars().count());
        let letters = u32::try_from(letters.max().unwrap_or(0)).unwrap_or(0);
        let text = (LETTER * letters + 12).cast_signed();
        let left = from + if least < 0.0 { text } else { 0 };
        let right = to - if greatest > 0.0 { text } else { 0 };
        let units = f64::from(right - left) / (greatest - least).max(f64::MIN_POSITIVE);
        Self {
            zero: left + (-least * units) as i32,
            units,
        }
    }

    fn x(&self, value: f64) -> i32 {
        self.zero + (value * self.units).round() as i32
    }
}
