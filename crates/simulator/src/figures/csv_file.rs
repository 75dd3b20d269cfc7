//! CSV file with a header line. Each row keeps its line number for error messages.

use crate::error::FiguresError;

pub(crate) struct CsvTable<'t> {
    pub file: &'t str,
    columns: csv::StringRecord,
    records: Vec<csv::StringRecord>,
}

impl<'t> CsvTable<'t> {
    pub(crate) fn read(file: &'t str, text: &str) -> Result<Self, FiguresError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let columns = reader.headers().cloned();
        let columns = columns.map_err(|error| invalid(file, &error))?;
        let records = reader.records().collect::<Result<_, _>>();
        Ok(Self {
            file,
            columns,
            records: records.map_err(|error| invalid(file, &error))?,
        })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = CsvRow<'_>> {
        self.records.iter().map(|record| CsvRow {
            table: self,
            line: record.position().map_or(0, csv::Position::line),
            record,
        })
    }
}

fn invalid(file: &str, error: &csv::Error) -> FiguresError {
    let line = error.position().map(csv::Position::line);
    let cause = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} fields where the header has {expected_len}"),
        _ => error.to_string(),
    };
    let mend =
        "write comma-separated values under one header line, texts with commas in double quotes";
    FiguresError::new(file, line, cause, mend)
}

pub(crate) struct CsvRow<'t> {
    table: &'t CsvTable<'t>,
    pub line: u64,
    record: &'t csv::StringRecord,
}

impl CsvRow<'_> {
    pub(crate) fn error(&self, cause: String, mend: &str) -> FiguresError {
        FiguresError::new(self.table.file, Some(self.line), cause, mend)
    }

    /// Returns the field of a column; empty if there is no such column.
    pub(crate) fn optional_text(&self, column: &str) -> &str {
        self.table
            .columns
            .iter()
            .position(|name| name == column)
            .and_then(|at| self.record.get(at))
            .unwrap_or("")
    }

    /// Returns the field of a required column, which must not be empty.
    pub(crate) fn text(&self, column: &str) -> Result<&str, FiguresError> {
        if !self.table.columns.iter().any(|name| name == column) {
            let found: Vec<_> = self.table.columns.iter().collect();
            let found = found.join(",");
            return Err(FiguresError::new(
                self.table.file,
                Some(1),
                format!("there is no column {column} in {found:?}"),
                "name the columns in the first line, separated by commas",
            ));
        }
        match self.optional_text(column) {
            "" => Err(self.error(format!("{column} is empty"), "fill it in")),
            text => Ok(text),
        }
    }

    pub(crate) fn number<T: std::str::FromStr>(
        &self,
        column: &str,
        wanted: &str,
    ) -> Result<T, FiguresError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| {
            self.error(
                format!("{column} is {text:?}"),
                &format!("write {wanted}, without separators"),
            )
        })
    }

    pub(crate) fn optional<T: std::str::FromStr>(
        &self,
        column: &str,
        wanted: &str,
    ) -> Result<Option<T>, FiguresError> {
        match self.optional_text(column) {
            "" => Ok(None),
            _ => self.number(column, wanted).map(Some),
        }
    }
}
