//! The report as a workbook: one sheet per table, with real numbers.

use std::collections::BTreeSet;

use crate::document::{
    Block, Cell, Document, FindingLine, GivenNumber, MainFigure, Section, Table,
};
use affluenza_words::Language;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Url, Workbook, Worksheet,
};

use crate::print::PrintError;

/// Longest sheet name that spreadsheets accept.
const NAME_MAX: usize = 31;
/// Widest column, in characters. Longer texts are wrapped.
const WIDTH_MAX: usize = 60;
const ACCENT: u32 = 0x00_52_9B;
const RULE: u32 = 0xC5_CC_D3;

/// Returns the workbook as the bytes of an `.xlsx` file.
pub fn xlsx(document: &Document) -> Result<Vec<u8>, PrintError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(document)?);
    let mut names = BTreeSet::new();
    let contents = sheet_name(&document.language.say("contents", &[]), &mut names);
    let mut sheets: Vec<(String, &Section, Vec<&Block>)> = Vec::new();
    for section in &document.sections {
        for blocks in sheets_of(section) {
            let name = sheet_name(&section.title, &mut names);
            sheets.push((name, section, blocks));
        }
    }
    let first = workbook.add_worksheet();
    first.set_name(&contents)?;
    cover(first, document, &sheets)?;
    for (name, section, blocks) in &sheets {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name)?;
        fill(sheet, document.language, section, blocks)?;
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

/// Groups the blocks of a section by sheet: one for each table, with the texts after it. Texts before
/// the first table are on its sheet.
fn sheets_of(section: &Section) -> Vec<Vec<&Block>> {
    let mut sheets: Vec<Vec<&Block>> = Vec::new();
    let mut has_table = false;
    for block in &section.blocks {
        match block {
            Block::Chart(_) => continue,
            Block::Table(_) if has_table || sheets.is_empty() => {
                sheets.push(vec![block]);
                has_table = true;
            }
            Block::Table(_) => {
                has_table = true;
                sheets.last_mut().expect("there is one").push(block);
            }
            _ if sheets.is_empty() => sheets.push(vec![block]),
            _ => sheets.last_mut().expect("there is one").push(block),
        }
    }
    sheets
}

/// Returns a unique sheet name, without characters that spreadsheets refuse.
fn sheet_name(title: &str, names: &mut BTreeSet<String>) -> String {
    let base: String = title
        .chars()
        .filter(|c| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\''))
        .collect();
    for number in 1.. {
        let end = if number == 1 {
            String::new()
        } else {
            format!(" {number}")
        };
        let kept: String = base.chars().take(NAME_MAX - end.len()).collect();
        let name = format!("{}{end}", kept.trim_end());
        if names.insert(name.to_lowercase()) {
            return name;
        }
    }
    base
}

fn heading() -> Format {
    Format::new()
        .set_bold()
        .set_font_size(16)
        .set_font_color(ACCENT)
}

fn cover(
    sheet: &mut Worksheet,
    document: &Document,
    sheets: &[(String, &Section, Vec<&Block>)],
) -> Result<(), PrintError> {
    sheet.set_column_width(0, 70)?;
    sheet.write_with_format(0, 0, &document.title, &heading())?;
    sheet.write_with_format(1, 0, &document.subject, &Format::new().set_bold())?;
    let mut row = 2;
    for line in &document.edition {
        sheet.write(row, 0, line)?;
        row += 1;
    }
    row += 1;
    for (name, section, _) in sheets {
        let place = Url::new(format!("internal:'{name}'!A1")).set_text(
            match name.starts_with(&section.title) {
                true => name,
                false => &section.title,
            },
        );
        sheet.write(row, 0, place)?;
        row += 1;
    }
    Ok(())
}

fn fill(
    sheet: &mut Worksheet,
    language: Language,
    section: &Section,
    blocks: &[&Block],
) -> Result<(), PrintError> {
    let mut row = 0;
    sheet.write_with_format(row, 0, &section.title, &heading())?;
    sheet
        .set_landscape()
        .set_paper_size(9)
        .set_print_fit_to_pages(1, 0);
    row += 1;
    let wrapped = Format::new().set_align(FormatAlign::Top);
    for block in blocks {
        row += match block {
            Block::Table(table) => write_table(sheet, language, table, row)?,
            Block::Findings(findings) => write_findings(sheet, language, findings, row)?,
            Block::Facts(facts) => write_facts(sheet, language, facts, row)?,
            Block::Text(text) => {
                sheet.write_with_format(row, 0, text, &wrapped)?;
                1
            }
            Block::Notes(notes) => {
                for (place, note) in (row..).zip(notes) {
                    sheet.write_with_format(place, 0, note, &wrapped)?;
                }
                u32::try_from(notes.len()).unwrap_or(0)
            }
            Block::Chart(_) => 0,
        } + 1;
    }
    Ok(())
}

fn write_findings(
    sheet: &mut Worksheet,
    language: Language,
    findings: &[FindingLine],
    row: u32,
) -> Result<u32, PrintError> {
    for (place, finding) in (row..).zip(findings) {
        sheet.write(place, 0, &finding.sentence)?;
        let position = CellPosition {
            row: place,
            column: 1,
        };
        let bold = Format::new().set_bold();
        write_cell(sheet, language, position, &finding.figure, &bold)?;
        sheet.write(place, 2, &finding.reference)?;
    }
    Ok(u32::try_from(findings.len()).unwrap_or(0))
}

fn write_facts(
    sheet: &mut Worksheet,
    language: Language,
    facts: &[MainFigure],
    row: u32,
) -> Result<u32, PrintError> {
    sheet.set_column_width(0, 42)?;
    sheet.set_column_width(1, 16)?;
    sheet.set_column_width(2, 36)?;
    for (place, fact) in (row..).zip(facts) {
        sheet.write(place, 0, &fact.label)?;
        write_cell(
            sheet,
            language,
            CellPosition {
                row: place,
                column: 1,
            },
            &fact.value,
            &Format::new().set_bold(),
        )?;
        sheet.write(place, 2, &fact.detail)?;
    }
    Ok(u32::try_from(facts.len()).unwrap_or(0))
}

/// Writes a table, and returns the number of its rows.
fn write_table(
    sheet: &mut Worksheet,
    language: Language,
    table: &Table,
    first: u32,
) -> Result<u32, PrintError> {
    let plain = Format::new().set_italic();
    sheet.write_with_format(first, 0, &table.caption, &plain)?;
    let head = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_border_bottom(FormatBorder::Thin)
        .set_border_bottom_color(ACCENT);
    for (place, column) in (0..).zip(&table.columns) {
        let align = match column.text {
            true => FormatAlign::Left,
            false => FormatAlign::Right,
        };
        sheet.write_with_format(
            first + 1,
            place,
            &column.head,
            &head.clone().set_align(align),
        )?;
        let texts = table
            .rows
            .iter()
            .chain(&table.sums)
            .filter_map(|row| row.get(usize::from(place)));
        let widest = texts.map(|cell| cell.show(language).chars().count()).max();
        let head_width = if column.text {
            column.head.chars().count()
        } else {
            12
        };
        let width = widest.unwrap_or(0).max(head_width).min(WIDTH_MAX);
        sheet.set_column_width(place, width as f64 + 2.0)?;
    }
    sheet.set_freeze_panes(first + 2, 1)?;
    sheet.set_repeat_rows(first + 1, first + 1)?;
    let sums = Format::new()
        .set_bold()
        .set_border_top(FormatBorder::Thin)
        .set_border_top_color(RULE);
    let body = table.rows.iter().map(|row| (row, Format::new()));
    let rows = body.chain(table.sums.iter().map(|row| (row, sums.clone())));
    let mut at = first + 2;
    for (row, format) in rows {
        for (column, cell) in (0..).zip(row) {
            let position = CellPosition { row: at, column };
            write_cell(sheet, language, position, cell, &format)?;
        }
        at += 1;
    }
    Ok(at - first)
}

/// Returns the format of a number with its decimals, its plus sign and its unit.
fn given_format(given: &GivenNumber, language: Language) -> String {
    let decimals = given.digits.split_once('.').map(|(_, decimals)| decimals);
    let decimals = decimals.map_or_else(String::new, |decimals| {
        format!(".{}", "0".repeat(decimals.len()))
    });
    let shown = Cell::Given(given.clone()).show(language);
    let of_unit = |letter: char| letter.is_alphabetic() || letter == '%';
    let unit = shown.find(of_unit).map_or("", |from| &shown[from..]);
    let unit = match unit {
        "" | "%" => format!("\"{unit}\""),
        unit => format!("\" {unit}\""),
    };
    let number = format!("#,##0{decimals}{unit}");
    match given.digits.starts_with('+') {
        true => format!("+{number};-{number}"),
        false => number,
    }
}

struct CellPosition {
    row: u32,
    column: u16,
}

fn write_cell(
    sheet: &mut Worksheet,
    language: Language,
    position: CellPosition,
    cell: &Cell,
    format: &Format,
) -> Result<(), PrintError> {
    let numbers = match cell {
        Cell::Count(_) => "#,##0",
        Cell::Sparse(_) => "#,##0;-#,##0;\"–\"",
        Cell::Plain(_) => "0",
        Cell::Difference(_) => "+#,##0;-#,##0;0",
        Cell::Share(_) => "0.0%",
        Cell::Change(_) => "+0.0%;-0.0%;0.0%",
        Cell::Mean(_, 0 | 1) => "#,##0.0",
        Cell::Mean(..) => "#,##0.00",
        Cell::Measured(_) => "General",
        Cell::Given(given) => &given_format(given, language),
        Cell::Empty | Cell::Text(_) | Cell::Undefined | Cell::Unavailable | Cell::Suppressed => "",
    };
    let number = match cell {
        // Spreadsheets store a percentage as a fraction.
        Cell::Share(percent) | Cell::Change(percent) => Some(percent / 100.0),
        cell => cell.number(),
    };
    let format = match cell {
        Cell::Text(_) => format.clone().set_text_wrap().set_align(FormatAlign::Top),
        _ => format
            .clone()
            .set_align(FormatAlign::Right)
            .set_align(FormatAlign::Top),
    };
    let CellPosition { row, column } = position;
    match number {
        Some(number) => {
            sheet.write_number_with_format(row, column, number, &format.set_num_format(numbers))?;
        }
        None => {
            sheet.write_string_with_format(row, column, cell.show(language), &format)?;
        }
    }
    Ok(())
}
