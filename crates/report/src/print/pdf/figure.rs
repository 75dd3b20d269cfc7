//! Lays out charts.

use affluenza_words::Language;
use krilla::tagging::Tag;

use super::blocks::style;
use super::font::{Style, StyledLine, Weight};
use super::paper::{Branch, Leaf, Paper, SOFT, SheetShape, Twig};
use super::pen::Pen;
use crate::document::Chart;
use crate::print::{ChartRoom, Plot, PrintError, chart};

/// Points of paper per unit of a chart, so that a chart is as wide as an upright sheet.
const CHART_SCALE: f32 = 0.66;

/// Space below the caption of a chart, and below a row of charts.
const CAPTION_GAP: f32 = 2.0;
pub(super) const CHARTS_GAP: f32 = 8.0;

fn caption_style() -> Style {
    style(9.0, Weight::Regular, SOFT)
}

/// Height of a chart of columns or lines on a slide, in units of the drawing: alone, one of two, and
/// one of two rows.
const SLIDE_HEIGHTS: [u32; 3] = [225, 220, 100];

/// Returns the room for one of so many charts side by side.
fn room(paper: &Paper<'_>, across: u32) -> ChartRoom {
    match paper.shape() {
        SheetShape::Slide => {
            let width = (paper.width() / CHART_SCALE) as u32;
            let height = SLIDE_HEIGHTS[across.min(3) as usize - 1];
            ChartRoom::within(width, across, height)
        }
        _ => ChartRoom::on_page(across),
    }
}

fn chart_height(chart: &Chart, room: ChartRoom) -> f32 {
    chart::size(chart, room).1 as f32 * CHART_SCALE
}

/// Returns the height of the first row of charts with captions of one line.
pub(super) fn row_height(paper: &Paper<'_>, charts: &[Chart]) -> f32 {
    let across = chart::across(charts.len());
    let row = charts.iter().take(across as usize);
    let highest = row.map(|chart| chart_height(chart, room(paper, across)));
    highest.fold(0.0, f32::max) + caption_style().line_height() + CAPTION_GAP
}

/// Draws charts side by side, in as many rows as needed.
pub(super) fn figures(
    paper: &mut Paper<'_>,
    charts: &[Chart],
    language: Language,
) -> Result<Branch, PrintError> {
    let across = chart::across(charts.len());
    let room = room(paper, across);
    let mut part = Branch::new(Tag::Div);
    for (place, row) in charts.chunks(across as usize).enumerate() {
        if place > 0 {
            paper.y += CHARTS_GAP;
        }
        let width = room.width as f32 * CHART_SCALE;
        let captions: Vec<Vec<StyledLine>> = row
            .iter()
            .map(|chart| paper.fonts.wrap(&chart.title, caption_style(), width))
            .collect();
        let lines = captions.iter().map(Vec::len).max();
        let above = lines.unwrap_or(0) as f32 * caption_style().line_height() + CAPTION_GAP;
        let charts = row.iter().map(|chart| chart_height(chart, room));
        let height = above + charts.fold(0.0, f32::max);
        paper.need(height);
        let (top, mut x) = (paper.y, paper.left());
        for (chart, caption) in row.iter().zip(captions) {
            paper.y = top;
            let caption = paper.lines(x, caption);
            let plot = Plot {
                chart,
                language,
                colours: paper.colours,
                room,
            };
            part.push(figure(paper, plot, caption, (x, top + above))?);
            x += width + chart::GAP as f32 * CHART_SCALE;
        }
        paper.y = top + height;
    }
    Ok(part)
}

/// Draws a chart at a point of the sheet. A screen reader treats it as one picture.
fn figure(
    paper: &mut Paper<'_>,
    plot: Plot<'_>,
    caption: Vec<Leaf>,
    from: (f32, f32),
) -> Result<Branch, PrintError> {
    let mut marks = Vec::new();
    let size = chart::size(plot.chart, plot.room);
    let pen = Pen {
        fonts: paper.fonts,
        size,
        scale: CHART_SCALE,
        from,
        marks: &mut marks,
    };
    chart::draw(plot, pen)?;
    let [width, height] = [size.0, size.1].map(|units| units as f32 * CHART_SCALE);
    let place = paper.bounds([from.0, from.1, width, height]);
    let leaf = paper.content(marks);
    let alt = format!("{}. {}", plot.chart.title, plot.chart.description);
    let tag = Tag::Figure(Some(alt)).with_bbox(place);
    let mut branch = Branch::new(tag);
    branch.push(Branch::of(Tag::Caption, caption));
    branch.twigs.push(Twig::Leaf(leaf));
    Ok(branch)
}
