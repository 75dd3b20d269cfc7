//! Tables as workbooks, by the library that writes those of the reports.

use rust_xlsxwriter::{Format, FormatBorder, Workbook, XlsxError};
use serde::Deserialize;

/// Media type of a workbook.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Longest name of a sheet, and longest text of a cell, in characters.
const NAME_MAX: usize = 31;
const TEXT_MAX: usize = 32_767;

/// Cell of a sheet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum SheetCell {
    Empty,
    Number(f64),
    Text(String),
}

/// Table, with a sheet for it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SheetTable {
    pub name: String,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<SheetCell>>,
}

impl SheetTable {
    /// Writes a workbook whose heads stay in sight and filter the rows. No text becomes a formula.
    pub fn to_xlsx(&self) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.set_name(sheet_name(&self.name))?;
        let bold = Format::new()
            .set_bold()
            .set_border_bottom(FormatBorder::Thin);
        for (column, head) in (0..).zip(&self.heads) {
            sheet.write_string_with_format(0, column, cut(head, TEXT_MAX), &bold)?;
        }
        let [whole, part] = ["#,##0", "#,##0.0###"].map(|form| Format::new().set_num_format(form));
        for (row, cells) in (1..).zip(&self.rows) {
            for (column, cell) in (0..).zip(cells) {
                match cell {
                    SheetCell::Empty => {}
                    SheetCell::Text(text) => {
                        sheet.write_string(row, column, cut(text, TEXT_MAX))?;
                    }
                    SheetCell::Number(number) => {
                        let form = if number.fract() == 0.0 { &whole } else { &part };
                        sheet.write_number_with_format(row, column, *number, form)?;
                    }
                }
            }
        }
        let [rows, columns] = [self.rows.len(), self.heads.len()];
        if let (Ok(rows @ 1..), Ok(columns @ 1..)) = (u32::try_from(rows), u16::try_from(columns)) {
            sheet.autofilter(0, 0, rows, columns - 1)?;
        }
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofit();
        book.save_to_buffer()
    }
}

/// Returns a name that spreadsheets accept.
fn sheet_name(name: &str) -> String {
    let name = name.replace(['[', ']', ':', '*', '?', '/', '\\'], " ");
    let name = cut(name.trim_matches(['\'', ' ']), NAME_MAX).trim_end_matches(['\'', ' ']);
    match name {
        "" => "1".to_owned(),
        name => name.to_owned(),
    }
}

fn cut(text: &str, characters: usize) -> &str {
    // Spreadsheets count UTF-16 units.
    let mut units = 0;
    let end = text.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > characters
    });
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_a_name_that_spreadsheets_accept() {
        for (name, expected) in [
            ("Utilizzi per categoria", "Utilizzi per categoria"),
            ("'a/b: c?'", "a b  c"),
            ("[]", "1"),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u{1f5fb}",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ),
        ] {
            assert_eq!(sheet_name(name), expected);
        }
    }

    #[test]
    fn any_table_of_a_page_becomes_a_workbook() {
        for json in [
            r#"{"name":"","heads":[],"rows":[]}"#,
            r#"{"name":"a","heads":["b","c"],"rows":[["=1+1",null],[-0.5,1859]]}"#,
        ] {
            let table: SheetTable = serde_json::from_str(json).expect("a table");
            let book = table.to_xlsx().expect("a workbook");
            assert!(book.starts_with(b"PK"), "{json}");
        }
    }
}
