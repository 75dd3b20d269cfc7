//! The report as an Excel workbook.

use rust_xlsxwriter::{
    Chart, ChartType, Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder,
    Formula, Url, Workbook, Worksheet,
};

use super::book::{self, BookCell, BookChart, BookSheet, BookValue, CellRole, NumberForm};
use crate::document::{ChartKind, Document};
use crate::face::{Colour, ReportColours};
use crate::print::PrintError;

const SOFT: Color = Color::RGB(0x52_60_6D);
const RULE: Color = Color::RGB(0xC5_CC_D3);
/// Height of a line, in points.
const LINE: usize = 15;
const TITLE_LINE: usize = 22;
const PAPER_A4: u8 = 9;

/// Returns the workbook as the bytes of an `.xlsx` file.
pub fn xlsx(document: &Document) -> Result<Vec<u8>, PrintError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(document)?);
    for sheet in book::sheets(document) {
        fill(workbook.add_worksheet(), &sheet, document)?;
    }
    Ok(workbook.save_to_buffer()?)
}

fn properties(document: &Document) -> Result<DocProperties, PrintError> {
    let day = crate::print::day(document);
    let year = u16::try_from(day.year()).unwrap_or(1900).clamp(1900, 9999);
    let [month, day] = [day.month(), day.day()].map(|part| u8::try_from(part).unwrap_or(1));
    let made = ExcelDateTime::from_ymd(year, month, day)?;
    Ok(DocProperties::new()
        .set_title(&document.title)
        .set_subject(&document.subject)
        .set_author(document.centre.mark())
        .set_creation_datetime(&made))
}

fn fill(to: &mut Worksheet, sheet: &BookSheet, document: &Document) -> Result<(), PrintError> {
    to.set_name(&sheet.name)?;
    print_setup(to, sheet, document);
    for (column, width) in (0..).zip(&sheet.widths) {
        to.set_column_width(column, *width as f64)?;
    }
    for (row, of_row) in (0..).zip(&sheet.rows) {
        let is_title = of_row.cells.iter().any(|cell| cell.role == CellRole::Title);
        let line = if is_title { TITLE_LINE } else { LINE };
        to.set_row_height(row, (of_row.lines * line) as f64)?;
        for (column, cell) in (0..).zip(&of_row.cells) {
            write_cell(to, row, column, cell, document.centre.colours)?;
        }
    }
    if let Some(range) = &sheet.range {
        let [head, last, columns] = [range.head, range.last, range.columns].map(index);
        to.set_freeze_panes(head + 1, 1)?;
        to.set_repeat_rows(head, head)?;
        if last > head + 1 {
            to.autofilter(head, 0, last, column(columns - 1))?;
        }
    }
    let mut row = index(sheet.rows.len() + 1);
    for of_sheet in &sheet.charts {
        let chart = chart(of_sheet, &sheet.name, document.centre.colours);
        to.insert_chart(row, 0, &chart)?;
        row += height(of_sheet) / ROW + 2;
    }
    Ok(())
}

fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn column(place: u32) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

fn print_setup(to: &mut Worksheet, sheet: &BookSheet, document: &Document) {
    match sheet.is_landscape() {
        true => to.set_landscape(),
        false => to.set_portrait(),
    };
    // In a header, "&" begins a code.
    let [title, name] = [&document.title, &sheet.name].map(|text| text.replace('&', "&&"));
    to.set_paper_size(PAPER_A4)
        .set_print_fit_to_pages(1, 0)
        .set_header(format!("&L&9{title}&R&9{name}"))
        .set_footer("&R&9&P / &N");
}

fn color(Colour([red, green, blue]): Colour) -> Color {
    Color::RGB(u32::from_be_bytes([0, red, green, blue]))
}

fn format(cell: &BookCell, colours: ReportColours) -> Format {
    let accent = color(colours.accent);
    let format = Format::new().set_align(FormatAlign::Top);
    let format = match cell.right {
        true => format.set_align(FormatAlign::Right),
        false => format.set_align(FormatAlign::Left),
    };
    match cell.role {
        CellRole::Title => format
            .set_bold()
            .set_font_size(16)
            .set_font_color(accent)
            .set_text_wrap(),
        CellRole::Caption => format.set_font_color(SOFT).set_text_wrap(),
        CellRole::Head => format
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Bottom)
            .set_border_bottom(FormatBorder::Medium)
            .set_border_bottom_color(accent),
        CellRole::Total => format
            .set_bold()
            .set_border_top(FormatBorder::Thin)
            .set_border_top_color(RULE),
        CellRole::Body => format,
    }
}

/// Returns the number format in the code of spreadsheets.
fn code(form: &NumberForm) -> String {
    let whole = if form.is_grouped { "#,##0" } else { "0" };
    let decimals = match form.decimals {
        0 => String::new(),
        decimals => format!(".{}", "0".repeat(decimals)),
    };
    let percent = if form.is_percent { "%" } else { "" };
    let unit = match &*form.unit {
        "" => String::new(),
        unit => format!("\"{unit}\""),
    };
    let number = format!("{whole}{decimals}{percent}{unit}");
    match (form.has_plus, form.has_dash_for_zero) {
        (true, _) => format!("+{number};-{number};{number}"),
        (false, true) => format!("{number};-{number};\"–\""),
        (false, false) => number,
    }
}

fn write_cell(
    to: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &BookCell,
    colours: ReportColours,
) -> Result<(), PrintError> {
    let format = format(cell, colours);
    match &cell.value {
        BookValue::Empty => to.write_blank(row, column, &format)?,
        BookValue::Text(text) if cell.across > 1 => {
            let last = column + self::column(index(cell.across)) - 1;
            let format = format.set_text_wrap();
            to.merge_range(row, column, row, last, text, &format)?
        }
        BookValue::Text(text) => {
            let format = match cell.right {
                true => format,
                false => format.set_text_wrap(),
            };
            to.write_string_with_format(row, column, text, &format)?
        }
        BookValue::Link(name) => {
            let link = Url::new(format!("internal:'{name}'!A1")).set_text(name);
            to.write(row, column, link)?
        }
        BookValue::Number(number, form) => {
            let format = format.set_num_format(code(form));
            to.write_number_with_format(row, column, *number, &format)?
        }
        BookValue::Sum([first, last], result, form) => {
            let letters = rust_xlsxwriter::column_number_to_name(column);
            let formula = format!("=SUM({letters}{}:{letters}{})", first + 1, last + 1);
            let formula = Formula::new(formula).set_result(result.to_string());
            let format = format.set_num_format(code(form));
            to.write_formula_with_format(row, column, formula, &format)?
        }
    };
    Ok(())
}

/// Size of a chart, height of a bar with the space around it, and height of a row, in pixels.
const CHART_SIZE: [u32; 2] = [760, 320];
const BAR: u32 = 40;
const ROW: u32 = 20;

fn height(of_sheet: &BookChart) -> u32 {
    let [first, last] = of_sheet.rows.map(index);
    match of_sheet.kind {
        ChartKind::Bars | ChartKind::Changes => 80 + BAR * (last - first + 1),
        _ => CHART_SIZE[1],
    }
}

fn chart(of_sheet: &BookChart, sheet: &str, colours: ReportColours) -> Chart {
    let kind = match of_sheet.kind {
        ChartKind::Bars | ChartKind::Changes | ChartKind::Heat => ChartType::Bar,
        ChartKind::Columns => ChartType::Column,
        ChartKind::Lines => ChartType::Line,
    };
    let mut chart = Chart::new(kind);
    let [first, last] = of_sheet.rows.map(index);
    for (place, (name, of_series)) in of_sheet.series.iter().enumerate() {
        let colour = match place {
            0 => color(colours.accent),
            _ => color(colours.compared),
        };
        let of_series = column(index(*of_series));
        let series = chart.add_series();
        series
            .set_name(name.as_str())
            .set_categories((sheet, first, 0, last, 0))
            .set_values((sheet, first, of_series, last, of_series));
        match of_sheet.kind {
            ChartKind::Lines => {
                series.set_format(rust_xlsxwriter::ChartLine::new().set_color(colour))
            }
            _ => series.set_format(rust_xlsxwriter::ChartSolidFill::new().set_color(colour)),
        };
    }
    if let ChartKind::Bars | ChartKind::Changes = of_sheet.kind {
        // The first row is the topmost bar.
        chart.x_axis().set_reverse();
    }
    if of_sheet.series.len() < 2 {
        chart.legend().set_hidden();
    }
    if of_sheet.is_percent {
        chart.y_axis().set_num_format("0%");
    }
    chart.title().set_name(&of_sheet.title);
    chart.set_alt_text(format!("{}. {}", of_sheet.title, of_sheet.description));
    chart.set_width(CHART_SIZE[0]).set_height(height(of_sheet));
    chart
}
