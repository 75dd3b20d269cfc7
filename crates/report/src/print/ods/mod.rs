//! The report as an OpenDocument spreadsheet.

mod chart;
mod styles;

use std::io::{Cursor, Write as _};

use maud::{Markup, PreEscaped, html as xml};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use self::styles::{Styles, cell_style, number_styles};
use super::book::{self, BookCell, BookChart, BookRow, BookSheet, BookValue, CellRole, NumberForm};
use crate::document::Document;
use crate::face::ReportColours;
use crate::print::PrintError;

const MIME: &str = "application/vnd.oasis.opendocument.spreadsheet";
const DECLARATION: PreEscaped<&str> = PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
const VERSION: &str = "1.3";
/// Width of a character, in centimetres.
const CHARACTER: f64 = 0.2;
/// Height of a line, in points.
const LINE: usize = 15;
const TITLE_LINE: usize = 22;

const OFFICE: &str = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
const TABLE: &str = "urn:oasis:names:tc:opendocument:xmlns:table:1.0";
const TEXT: &str = "urn:oasis:names:tc:opendocument:xmlns:text:1.0";
const STYLE: &str = "urn:oasis:names:tc:opendocument:xmlns:style:1.0";
const NUMBER: &str = "urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0";
const FO: &str = "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0";
const OF: &str = "urn:oasis:names:tc:opendocument:xmlns:of:1.2";
const CONFIG: &str = "urn:oasis:names:tc:opendocument:xmlns:config:1.0";
const META: &str = "urn:oasis:names:tc:opendocument:xmlns:meta:1.0";
const MANIFEST: &str = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const CHART: &str = "urn:oasis:names:tc:opendocument:xmlns:chart:1.0";
const DRAW: &str = "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0";
const SVG: &str = "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0";

/// Returns the workbook as the bytes of an `.ods` file. The same document gives the same bytes.
pub fn ods(document: &Document) -> Result<Vec<u8>, PrintError> {
    let sheets = book::sheets(document);
    let colours = document.centre.colours;
    let parts = [
        ("content.xml", content(&sheets, colours)),
        ("styles.xml", styles(document)),
        ("meta.xml", meta(document)),
        ("settings.xml", settings(&sheets)),
    ];
    let mut files: Vec<(String, Markup)> = parts.map(|(name, text)| (name.to_owned(), text)).into();
    for (number, of_sheet, sheet) in charts(&sheets) {
        let name = format!("{}/content.xml", chart::folder(number));
        files.push((name, chart::document(of_sheet, sheet, colours)));
    }
    let manifest = manifest(files.iter().map(|(name, _)| name.as_str()));
    files.insert(0, ("META-INF/manifest.xml".to_owned(), manifest));
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    // Programs recognise the format by this first file.
    let plain = options.compression_method(CompressionMethod::Stored);
    file.start_file("mimetype", plain)?;
    file.write_all(MIME.as_bytes())
        .map_err(zip::result::ZipError::from)?;
    for (name, text) in files {
        file.start_file(
            name,
            options.compression_method(CompressionMethod::Deflated),
        )?;
        let bytes = text.into_string().into_bytes();
        file.write_all(&bytes)
            .map_err(zip::result::ZipError::from)?;
    }
    Ok(file.finish()?.into_inner())
}

/// Returns every chart with its number and the sheet that it is on.
fn charts(sheets: &[BookSheet]) -> impl Iterator<Item = (usize, &BookChart, &BookSheet)> {
    let charts = sheets
        .iter()
        .flat_map(|sheet| sheet.charts.iter().map(move |chart| (chart, sheet)));
    let numbered = charts.enumerate();
    numbered.map(|(place, (chart, sheet))| (place + 1, chart, sheet))
}

fn manifest<'n>(names: impl Iterator<Item = &'n str>) -> Markup {
    xml! {
        (DECLARATION)
        manifest:manifest xmlns:manifest=(MANIFEST) manifest:version=(VERSION) {
            manifest:file-entry manifest:full-path="/" manifest:version=(VERSION) manifest:media-type=(MIME) {}
            @for name in names {
                @if let Some((folder, _)) = name.split_once('/') {
                    manifest:file-entry manifest:full-path={ (folder) "/" } manifest:version=(VERSION) manifest:media-type=(chart::MIME) {}
                }
                manifest:file-entry manifest:full-path=(name) manifest:media-type="text/xml" {}
            }
        }
    }
}

fn meta(document: &Document) -> Markup {
    xml! {
        (DECLARATION)
        office:document-meta xmlns:office=(OFFICE) xmlns:meta=(META) xmlns:dc=(DC) office:version=(VERSION) {
            office:meta {
                dc:title { (document.title) }
                dc:subject { (document.subject) }
                dc:language { (document.language.as_str()) }
                meta:initial-creator { (document.centre.mark()) }
                meta:creation-date { (crate::print::day(document).to_string()) "T00:00:00" }
            }
        }
    }
}

/// Returns the styles of the whole file: the typeface, and paper with header and footer.
fn styles(document: &Document) -> Markup {
    xml! {
        (DECLARATION)
        office:document-styles xmlns:office=(OFFICE) xmlns:style=(STYLE) xmlns:text=(TEXT) xmlns:fo=(FO) office:version=(VERSION) {
            office:styles {
                style:default-style style:family="table-cell" {
                    style:text-properties fo:font-family="Calibri, Carlito, sans-serif" fo:font-size="11pt" fo:language=(document.language.as_str()) {}
                }
            }
            office:automatic-styles {
                (page_layout("Portrait", ["21cm", "29.7cm"]))
                (page_layout("Landscape", ["29.7cm", "21cm"]))
            }
            office:master-styles {
                @for name in ["Portrait", "Landscape"] {
                    style:master-page style:name=(name) style:page-layout-name=(name) {
                        style:header {
                            style:region-left { text:p { (document.title) } }
                            style:region-right { text:p { text:sheet-name {} } }
                        }
                        style:footer {
                            style:region-right { text:p { text:page-number {} " / " text:page-count {} } }
                        }
                    }
                }
            }
        }
    }
}

/// Returns A4 paper on which a sheet is one page wide.
fn page_layout(name: &str, [width, height]: [&str; 2]) -> Markup {
    xml! {
        style:page-layout style:name=(name) {
            style:page-layout-properties fo:page-width=(width) fo:page-height=(height) style:print-orientation=(name.to_lowercase()) fo:margin="1.5cm" style:scale-to-X="1" style:scale-to-Y="0" {}
            style:header-style { style:header-footer-properties fo:min-height="0.8cm" {} }
            style:footer-style { style:header-footer-properties fo:min-height="0.8cm" {} }
        }
    }
}

/// Returns the view of each sheet: its headings and names stay when it is scrolled.
fn settings(sheets: &[BookSheet]) -> Markup {
    xml! {
        (DECLARATION)
        office:document-settings xmlns:office=(OFFICE) xmlns:config=(CONFIG) office:version=(VERSION) {
            office:settings {
                config:config-item-set config:name="ooo:view-settings" {
                    config:config-item-map-indexed config:name="Views" {
                        config:config-item-map-entry {
                            config:config-item config:name="ViewId" config:type="string" { "view1" }
                            config:config-item config:name="ActiveTable" config:type="string" { (sheets[0].name) }
                            config:config-item-map-named config:name="Tables" {
                                @for sheet in sheets {
                                    @if let Some(range) = &sheet.range { (frozen(&sheet.name, range.head + 1)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn frozen(name: &str, row: usize) -> Markup {
    // Mode 2 freezes the part above and to the left.
    let items = [
        ("HorizontalSplitMode", "short", 2),
        ("VerticalSplitMode", "short", 2),
        ("HorizontalSplitPosition", "int", 1),
        ("VerticalSplitPosition", "int", row),
        ("ActiveSplitRange", "short", 3),
        ("PositionRight", "int", 1),
        ("PositionBottom", "int", row),
    ];
    xml! {
        config:config-item-map-entry config:name=(name) {
            @for (item, of_type, value) in items {
                config:config-item config:name=(item) config:type=(of_type) { (value) }
            }
        }
    }
}

fn content(sheets: &[BookSheet], colours: ReportColours) -> Markup {
    let mut of_cells = Styles::default();
    let mut charts = 0;
    let mut tables = Vec::new();
    for sheet in sheets {
        tables.push(table(sheet, charts + 1, &mut of_cells));
        charts += sheet.charts.len();
    }
    let mut widths: Vec<usize> = sheets
        .iter()
        .flat_map(|sheet| sheet.widths.clone())
        .collect();
    let mut heights: Vec<usize> = sheets
        .iter()
        .flat_map(|sheet| &sheet.rows)
        .map(height)
        .collect();
    for lengths in [&mut widths, &mut heights] {
        lengths.sort_unstable();
        lengths.dedup();
    }
    xml! {
        (DECLARATION)
        office:document-content xmlns:office=(OFFICE) xmlns:table=(TABLE) xmlns:text=(TEXT) xmlns:style=(STYLE) xmlns:number=(NUMBER) xmlns:fo=(FO) xmlns:of=(OF) xmlns:xlink=(XLINK) xmlns:draw=(DRAW) xmlns:svg=(SVG) office:version=(VERSION) {
            office:automatic-styles {
                @for width in widths {
                    style:style style:name={ "co" (width) } style:family="table-column" {
                        style:table-column-properties style:column-width={ (format!("{:.2}", width as f64 * CHARACTER)) "cm" } {}
                    }
                }
                @for height in heights {
                    style:style style:name={ "ro" (height) } style:family="table-row" {
                        style:table-row-properties style:row-height={ (height) "pt" } style:use-optimal-row-height="false" {}
                    }
                }
                @for name in ["Portrait", "Landscape"] {
                    style:style style:name=(name) style:family="table" style:master-page-name=(name) {
                        style:table-properties table:display="true" {}
                    }
                }
                style:style style:name="frame" style:family="graphic" {
                    style:graphic-properties draw:stroke="none" draw:fill="none" {}
                }
                @for (place, form) in of_cells.numbers.iter().enumerate() { (number_styles(place, form)) }
                @for (place, style) in of_cells.cells.iter().enumerate() { (cell_style(place, *style, colours.accent)) }
            }
            office:body {
                office:spreadsheet {
                    @for table in &tables { (table) }
                    table:database-ranges {
                        @for (place, sheet) in sheets.iter().enumerate() { (filter(place, sheet)) }
                    }
                }
            }
        }
    }
}

fn height(row: &BookRow) -> usize {
    let is_title = row.cells.iter().any(|cell| cell.role == CellRole::Title);
    row.lines * if is_title { TITLE_LINE } else { LINE }
}

/// Returns a sheet, whose first chart has this number.
fn table(sheet: &BookSheet, first_chart: usize, styles: &mut Styles) -> Markup {
    let paper = if sheet.is_landscape() {
        "Landscape"
    } else {
        "Portrait"
    };
    let head = sheet.range.as_ref().map(|range| range.head);
    let rows: Vec<Markup> = sheet
        .rows
        .iter()
        .map(|of_row| row(of_row, styles))
        .collect();
    xml! {
        table:table table:name=(sheet.name) table:style-name=(paper) {
            (chart::frames(sheet, first_chart))
            @for width in &sheet.widths {
                table:table-column table:style-name={ "co" (width) } {}
            }
            @for (place, row) in rows.iter().enumerate() {
                @if Some(place) == head {
                    table:table-header-rows { (row) }
                } @else {
                    (row)
                }
            }
        }
    }
}

fn row(row: &BookRow, styles: &mut Styles) -> Markup {
    let cells: Vec<Markup> = (0..)
        .zip(&row.cells)
        .map(|(column, cell)| self::cell(column, cell, styles))
        .collect();
    xml! {
        table:table-row table:style-name={ "ro" (height(row)) } {
            @for cell in &cells { (cell) }
            @if cells.is_empty() { table:table-cell {} }
        }
    }
}

fn cell(column: u16, cell: &BookCell, styles: &mut Styles) -> Markup {
    let style = format!("ce{}", styles.of(cell));
    let across = (cell.across > 1).then_some(cell.across);
    let figure = |number: f64, form: &NumberForm, formula: Option<String>| {
        let kind = if form.is_percent {
            "percentage"
        } else {
            "float"
        };
        xml! {
            table:table-cell table:style-name=(style) table:formula=[formula] office:value-type=(kind) office:value=(number.to_string()) {}
        }
    };
    match &cell.value {
        BookValue::Empty => xml! { table:table-cell table:style-name=(style) {} },
        BookValue::Text(text) if text.is_empty() && across.is_none() => {
            xml! { table:table-cell table:style-name=(style) {} }
        }
        BookValue::Text(text) => xml! {
            table:table-cell table:style-name=(style) office:value-type="string" table:number-columns-spanned=[across] table:number-rows-spanned=[across.map(|_| 1)] {
                @for line in text.split('\n') { text:p { (line) } }
            }
            @if let Some(across) = across {
                table:covered-table-cell table:number-columns-repeated=(across - 1) {}
            }
        },
        BookValue::Link(name) => xml! {
            table:table-cell table:style-name=(style) office:value-type="string" {
                text:p { text:a xlink:type="simple" xlink:href={ "#'" (name) "'.A1" } { (name) } }
            }
        },
        BookValue::Number(number, form) => figure(*number, form, None),
        BookValue::Sum([first, last], sum, form) => {
            let letters = rust_xlsxwriter::column_number_to_name(column);
            let formula = format!("of:=SUM([.{letters}{}:.{letters}{}])", first + 1, last + 1);
            figure(*sum, form, Some(formula))
        }
    }
}

/// Returns the buttons that filter the rows of a table.
fn filter(place: usize, sheet: &BookSheet) -> Markup {
    let range = sheet
        .range
        .as_ref()
        .filter(|range| range.last > range.head + 1);
    xml! {
        @if let Some(range) = range {
            @let last = rust_xlsxwriter::column_number_to_name(u16::try_from(range.columns - 1).unwrap_or(u16::MAX));
            table:database-range table:name={ "filter" (place) } table:display-filter-buttons="true" table:target-range-address={ "'" (sheet.name) "'.A" (range.head + 1) ":'" (sheet.name) "'." (last) (range.last + 1) } {}
        }
    }
}
