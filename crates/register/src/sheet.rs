//! Reads CSV files, also those of a spreadsheet: with comma, semicolon or tab as separator, any line
//! end, empty lines, and with or without a byte order mark.

use csv::{Reader, ReaderBuilder, StringRecord, Trim};

use crate::names;

/// CSV text. The first record names the columns.
#[derive(Debug)]
pub struct CsvSheet<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    columns: StringRecord,
    /// Bytes of the text whose lines are counted in `line`.
    counted: usize,
    line: usize,
}

impl<'t> CsvSheet<'t> {
    /// Reads the names of the columns of a text.
    pub fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Excel writes the separator into the first line.
        let own_line = text
            .strip_prefix("sep=")
            .and_then(|text| text.split_once('\n'));
        let own_line =
            own_line.filter(|(separator, _)| separator.trim_end_matches('\r').len() == 1);
        let (text, line) = own_line.map_or((text, 1), |(_, rest)| (rest, 2));
        let reader = ReaderBuilder::new()
            .delimiter(separator(text))
            .flexible(true)
            .has_headers(false)
            .trim(Trim::All)
            .from_reader(text.as_bytes());
        let mut sheet = Self {
            text,
            reader,
            columns: StringRecord::new(),
            counted: 0,
            line,
        };
        let mut columns = StringRecord::new();
        sheet.read(&mut columns);
        sheet.columns = columns;
        sheet
    }

    /// Names of the columns.
    pub fn columns(&self) -> &StringRecord {
        &self.columns
    }

    /// Position of the column with this name, in any case and with or without accents.
    pub fn column(&self, name: &str) -> Option<usize> {
        let name = names::key(name);
        self.columns
            .iter()
            .position(|column| names::key(column) == name)
    }

    /// Reads the next record that has a field that is not empty. Returns the number of its first
    /// line, from 1.
    pub fn read(&mut self, record: &mut StringRecord) -> Option<usize> {
        // A text cannot fail to be read: it is in memory and UTF-8.
        while self.reader.read_record(record).unwrap_or(false) {
            if record.iter().all(str::is_empty) {
                continue;
            }
            let start = record.position().map_or(0, csv::Position::byte);
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let before = self.text.get(self.counted..start).unwrap_or_default();
            let rest = self.text.get(start..).unwrap_or_default();
            // The position of a record includes the line ends before it.
            let ends = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
            let newlines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
            self.line += newlines(before) + newlines(&rest[..ends]);
            self.counted = start + ends;
            return Some(self.line);
        }
        None
    }
}

/// Returns the most frequent separator of the first line.
fn separator(text: &str) -> u8 {
    let header = text.trim_start().lines().next().unwrap_or_default();
    let count = |separator: &u8| header.bytes().filter(|byte| byte == separator).count();
    [b',', b';', b'\t']
        .into_iter()
        .max_by_key(count)
        .filter(|separator| count(separator) > 0)
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the fields of every record, the header first, each with its line.
    fn read(text: &str) -> Vec<(usize, Vec<String>)> {
        let mut sheet = CsvSheet::new(text);
        let texts = |fields: &StringRecord| fields.iter().map(str::to_owned).collect();
        let mut read = vec![(1, texts(sheet.columns()))];
        let mut record = StringRecord::new();
        while let Some(line) = sheet.read(&mut record) {
            read.push((line, texts(&record)));
        }
        read
    }

    #[test]
    fn every_separator_line_end_and_mark_reads_the_same() {
        let plain = "code,name\nc_a,Alfa\n\nc_b,\"Beta, Gamma\"\n";
        let expected = [
            (1, vec!["code".to_owned(), "name".to_owned()]),
            (2, vec!["c_a".to_owned(), "Alfa".to_owned()]),
            (4, vec!["c_b".to_owned(), "Beta, Gamma".to_owned()]),
        ];
        assert_eq!(read(plain), expected);
        let italian = "\u{feff}code;name\r\nc_a; Alfa \r\n;\r\nc_b;Beta, Gamma\r\n;\r\n";
        assert_eq!(read(italian), expected);
        assert_eq!(read(&format!("sep=,\r\n{plain}"))[1].1, expected[1].1);
        let tabs = "code\tname\nc_a\tAlfa\n\nc_b\tBeta, Gamma";
        assert_eq!(read(tabs), expected);
    }

    #[test]
    fn a_record_of_several_lines_moves_the_lines_below_it() {
        let text = "a;b\r\n1;\"two\r\nlines\"\r\n\r\n3;4\r\n";
        let lines: Vec<usize> = read(text)
            .into_iter()
            .skip(1)
            .map(|(line, _)| line)
            .collect();
        assert_eq!(lines, [2, 5]);
    }

    #[test]
    fn a_column_is_found_in_any_spelling() {
        let sheet = CsvSheet::new("Codice_IPA;CITTÀ\n");
        for age in ["Età", "Eta'", "Eta\u{300}", "ETA"] {
            assert_eq!(CsvSheet::new(age).column("Età"), Some(0), "{age}");
        }
        assert_eq!(sheet.column("codice_ipa"), Some(0));
        assert_eq!(sheet.column("città"), Some(1));
        assert_eq!(sheet.column("name"), None);
        assert_eq!(CsvSheet::new("").column("name"), None);
    }
}
