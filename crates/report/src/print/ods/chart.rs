//! Charts of a spreadsheet. Each is a separate document, and shows cells of its sheet.

use maud::{Markup, html as xml};

use super::{
    CHART, DECLARATION, DRAW, FO, OFFICE, STYLE, SVG, TABLE, TEXT, VERSION, XLINK, height,
};
use crate::document::ChartKind;
use crate::face::{Colour, ReportColours};
use crate::print::book::{BookChart, BookSheet, TableRange};

pub(super) const MIME: &str = "application/vnd.oasis.opendocument.chart";
/// Sizes in points: width and height of a chart, height of a bar with the space around it, and space
/// above a chart.
const SIZE: [usize; 2] = [520, 240];
const BAR: usize = 30;
const GAP: usize = 30;

/// Returns the folder of a chart in the file.
pub(super) fn folder(number: usize) -> String {
    format!("Object {number}")
}

fn chart_height(chart: &BookChart) -> usize {
    match chart.kind {
        ChartKind::Bars | ChartKind::Changes => 60 + BAR * (chart.rows[1] - chart.rows[0] + 1),
        _ => SIZE[1],
    }
}

/// Returns the frames of the charts below the rows of their sheet.
pub(super) fn frames(sheet: &BookSheet, first_chart: usize) -> Markup {
    let mut top: usize = sheet.rows.iter().map(height).sum();
    let mut frames = Vec::new();
    for (number, chart) in (first_chart..).zip(&sheet.charts) {
        top += GAP;
        frames.push(frame(number, chart, &sheet.name, top));
        top += chart_height(chart);
    }
    xml! {
        @if !frames.is_empty() {
            table:shapes { @for frame in &frames { (frame) } }
        }
    }
}

fn frame(number: usize, chart: &BookChart, sheet: &str, top: usize) -> Markup {
    let columns = chart.series.iter().map(|(_, column)| *column);
    let ranges = std::iter::once(0).chain(columns);
    let ranges = ranges.map(|column| range(sheet, column, chart.rows));
    xml! {
        draw:frame draw:style-name="frame" svg:x="0pt" svg:y={ (top) "pt" } svg:width={ (SIZE[0]) "pt" } svg:height={ (chart_height(chart)) "pt" } {
            draw:object draw:notify-on-update-of-ranges=(ranges.collect::<Vec<_>>().join(" ")) xlink:href={ "./" (folder(number)) } xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad" {}
            svg:title { (chart.title) }
            svg:desc { (chart.description) }
        }
    }
}

/// Returns the address of cells of one column, in these rows, first and last.
fn range(sheet: &str, column: usize, [first, last]: [usize; 2]) -> String {
    let [first, last] = [first, last].map(|row| cell(sheet, column, row));
    format!("{first}:{last}")
}

fn cell(sheet: &str, column: usize, row: usize) -> String {
    let column = u16::try_from(column).unwrap_or(u16::MAX);
    let letters = rust_xlsxwriter::column_number_to_name(column);
    format!("'{sheet}'.${letters}${}", row + 1)
}

/// Returns the document of a chart.
pub(super) fn document(chart: &BookChart, sheet: &BookSheet, colours: ReportColours) -> Markup {
    let class = match chart.kind {
        ChartKind::Lines => "chart:line",
        _ => "chart:bar",
    };
    let has_legend = chart.series.len() > 1;
    xml! {
        (DECLARATION)
        office:document-content xmlns:office=(OFFICE) xmlns:style=(STYLE) xmlns:text=(TEXT) xmlns:table=(TABLE) xmlns:fo=(FO) xmlns:draw=(DRAW) xmlns:svg=(SVG) xmlns:xlink=(XLINK) xmlns:chart=(CHART) office:version=(VERSION) {
            office:automatic-styles { (chart_styles(chart, colours)) }
            office:body {
                office:chart {
                    chart:chart chart:class=(class) chart:style-name="chart" xlink:href=".." xlink:type="simple" svg:width={ (SIZE[0]) "pt" } svg:height={ (chart_height(chart)) "pt" } {
                        chart:title chart:style-name="title" { text:p { (chart.title) } }
                        @if has_legend { chart:legend chart:legend-position="bottom" chart:style-name="legend" {} }
                        chart:plot-area chart:style-name="plot" {
                            chart:axis chart:dimension="x" chart:name="primary-x" chart:style-name="names" {
                                chart:categories table:cell-range-address=(range(&sheet.name, 0, chart.rows)) {}
                            }
                            chart:axis chart:dimension="y" chart:name="primary-y" chart:style-name="values" {
                                chart:grid chart:class="major" chart:style-name="grid" {}
                            }
                            @for (place, (_, column)) in chart.series.iter().enumerate() {
                                (series(chart, sheet, *column, place, class))
                            }
                            chart:wall chart:style-name="wall" {}
                        }
                    }
                }
            }
        }
    }
}

fn series(
    chart: &BookChart,
    sheet: &BookSheet,
    column: usize,
    place: usize,
    class: &str,
) -> Markup {
    let head = sheet.range.as_ref().map(|TableRange { head, .. }| *head);
    let label = head.map(|row| cell(&sheet.name, column, row));
    let [first, last] = chart.rows;
    xml! {
        chart:series chart:class=(class) chart:style-name={ "series" (place) } chart:values-cell-range-address=(range(&sheet.name, column, chart.rows)) chart:label-cell-address=[label] {
            chart:data-point chart:repeated=(last - first + 1) {}
        }
    }
}

/// Returns the styles of the parts of a chart.
fn chart_styles(chart: &BookChart, colours: ReportColours) -> Markup {
    let is_across = matches!(
        chart.kind,
        ChartKind::Bars | ChartKind::Changes | ChartKind::Heat
    );
    let is_line = chart.kind == ChartKind::Lines;
    let rule = Colour([197, 204, 211]);
    xml! {
        // Without an own fill, a part has the blue of the program.
        style:style style:name="chart" style:family="chart" {
            style:graphic-properties draw:stroke="none" draw:fill="solid" draw:fill-color="#ffffff" {}
        }
        style:style style:name="title" style:family="chart" {
            style:text-properties fo:font-size="11pt" {}
        }
        style:style style:name="wall" style:family="chart" {
            style:graphic-properties draw:stroke="none" draw:fill="none" {}
        }
        style:style style:name="legend" style:family="chart" {
            style:graphic-properties draw:stroke="none" draw:fill="none" {}
            style:text-properties fo:font-size="9pt" {}
        }
        style:style style:name="plot" style:family="chart" {
            style:chart-properties chart:vertical=(is_across) chart:treat-empty-cells="leave-gap" {}
        }
        // The first row is the topmost bar.
        style:style style:name="names" style:family="chart" {
            style:chart-properties chart:display-label="true" chart:reverse-direction=(is_across) chart:axis-label-position=(if chart.kind == ChartKind::Changes { "outside-start" } else { "near-axis" }) {}
            style:graphic-properties draw:stroke="solid" svg:stroke-color=(rule) {}
            style:text-properties fo:font-size="9pt" {}
        }
        style:style style:name="values" style:family="chart" {
            style:chart-properties chart:display-label="true" chart:link-data-style-to-source="true" {}
            style:graphic-properties draw:stroke="none" {}
            style:text-properties fo:font-size="9pt" {}
        }
        style:style style:name="grid" style:family="chart" {
            style:graphic-properties draw:stroke="solid" svg:stroke-color=(rule) {}
        }
        @for (place, _) in chart.series.iter().enumerate() {
            @let colour = if place == 0 { colours.accent } else { colours.compared };
            style:style style:name={ "series" (place) } style:family="chart" {
                @if is_line {
                    style:graphic-properties draw:stroke="solid" svg:stroke-color=(colour) svg:stroke-width="1.5pt" {}
                } @else {
                    style:graphic-properties draw:stroke="none" draw:fill="solid" draw:fill-color=(colour) {}
                }
            }
        }
    }
}
