//! Tables of other figures. The file of provenance describes their columns.

use std::collections::{BTreeMap, BTreeSet};

use affluenza_words::Language;
use serde::{Deserialize, Serialize};

use super::SourceError;
use super::read::{CsvLine, CsvLines, once};

/// A text in every language, by the language's code.
pub type Translations = BTreeMap<String, String>;

/// Description of a table, in the file of provenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableForm {
    /// Short name, such as `infrastructure`. Tables of other years have the same name.
    pub name: String,
    /// Place among the chapters of other figures; those of kinds have multiples of ten.
    #[serde(default)]
    pub order: u16,
    /// Title of the chapter.
    pub title: Translations,
    /// Remarks below the table.
    #[serde(default)]
    pub notes: Vec<Translations>,
    /// Words for the codes of states, with their sign: `• online`.
    #[serde(default)]
    pub states: BTreeMap<String, Translations>,
    /// Columns from left to right.
    pub columns: Vec<TableColumn>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableColumn {
    /// Heading in the CSV file. A text may have a column for each language: `item_it`, `item_en`.
    pub name: String,
    /// Form of the cells.
    #[serde(rename = "type")]
    pub form: CellForm,
    /// Printed heading, with the unit.
    pub title: Translations,
    /// True to print the sum of the counts.
    #[serde(default)]
    pub total: bool,
}

/// Form of the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CellForm {
    /// Text.
    Text,
    /// Name or code of an ente. The report has its registered name.
    Ente,
    /// Whole number.
    Count,
    /// Number, with the decimals of the source.
    Decimal,
    /// Percentage, with the decimals and the plus sign of the source.
    Percent,
    /// Number with a unit of time: `7 ms`, `1 working-h`.
    Duration,
    /// Number with any unit: a duration or a percentage.
    Measure,
    /// Code of a state.
    State,
}

/// A table of one year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureTable {
    /// Year of the figures.
    pub year: i16,
    /// Name, titles and columns.
    #[serde(flatten)]
    pub form: TableForm,
    /// Cells, a list for each row.
    pub cells: Vec<Vec<FigureCell>>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureCell {
    /// The source gives nothing.
    Empty,
    /// Text in every language.
    Text(Translations),
    /// Name of an ente, as the source writes it.
    Ente(String),
    /// Whole number.
    Count(u64),
    /// Number as the source writes it, with a decimal point.
    Number {
        /// Sign, digits and decimals: `+1.496`.
        digits: String,
        /// Unit, such as `percent` or `working-h`; empty without one.
        unit: String,
    },
    /// Code of a state.
    State(String),
}

/// Units of time, as the CSV file and the messages `unit-…` name them.
const TIMES: [&str; 8] = [
    "ms",
    "s",
    "min",
    "h",
    "working-h",
    "d",
    "working-d",
    "months",
];
const PERCENT: &str = "percent";

/// Returns a text in a language, or else in the first that has it.
pub(crate) fn translated(texts: &Translations, language: Language) -> &str {
    let own = texts.get(language.as_str()).or(texts.values().next());
    own.map_or("", String::as_str)
}

impl TableColumn {
    /// True if the column of a CSV file with this heading, in small letters, is this one.
    fn is_headed(&self, head: &str) -> bool {
        let name = self.name.to_lowercase();
        let mut codes = Language::ALL.iter().map(|language| language.as_str());
        head == name
            || self.form == CellForm::Text && codes.any(|code| head == format!("{name}_{code}"))
    }
}

impl TableForm {
    /// Fails unless every text is there in every language, and names are plain and unique.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        let wrong = |cause: String| Err(SourceError::Provenance(format!("table: {cause}")));
        let mut bytes = self.name.bytes();
        let is_plain = !self.name.is_empty()
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_plain {
            return wrong(format!(
                "name {:?} is not of small letters, digits and hyphens",
                self.name
            ));
        }
        let columns = self.columns.iter().map(|column| &column.title);
        let texts = columns
            .chain([&self.title])
            .chain(&self.notes)
            .chain(self.states.values());
        for texts in texts {
            for language in Language::ALL {
                if !texts.contains_key(language.as_str()) {
                    return wrong(format!("a text has no {:?}: {texts:?}", language.as_str()));
                }
            }
        }
        let mut names = BTreeSet::new();
        for column in &self.columns {
            if !names.insert(&column.name) {
                return wrong(format!("two columns have the name {:?}", column.name));
            }
            if column.total && column.form != CellForm::Count {
                return wrong(format!(
                    "column {:?} has a total, and is no count",
                    column.name
                ));
            }
        }
        match self.columns.first() {
            Some(first) if matches!(first.form, CellForm::Text | CellForm::Ente) => Ok(()),
            _ => wrong("the first column names the rows: it is a text or an ente".to_owned()),
        }
    }

    /// Reads the rows of a table.
    pub(super) fn rows(&self, lines: &CsvLines) -> Result<Vec<Vec<FigureCell>>, SourceError> {
        let mut heads = lines.heads.iter();
        if let Some(head) = heads.find(|head| !self.columns.iter().any(|it| it.is_headed(head))) {
            return Err(SourceError::Rows(format!(
                "column {head:?} is not described: add it to [table], or remove it"
            )));
        }
        let mut enti = Vec::new();
        let of_enti = self.columns.first();
        let of_enti = of_enti.filter(|column| column.form == CellForm::Ente);
        if let Some(column) = of_enti {
            for line in &lines.rows {
                once(&mut enti, line, line.text(&column.name)?.to_owned())?;
            }
        }
        let rows = lines.rows.iter().map(|line| {
            let cells = self
                .columns
                .iter()
                .map(|column| self.cell(column, lines, line));
            cells.collect()
        });
        rows.collect()
    }

    fn cell(
        &self,
        column: &TableColumn,
        lines: &CsvLines,
        line: &CsvLine,
    ) -> Result<FigureCell, SourceError> {
        let name = column.name.as_str();
        if column.form == CellForm::Text {
            return text(name, lines, line);
        }
        let given = line.text(name)?;
        if given.is_empty() {
            return Ok(FigureCell::Empty);
        }
        let cell = match column.form {
            CellForm::Text | CellForm::Ente => Some(FigureCell::Ente(given.to_owned())),
            CellForm::Count => given.parse().ok().map(FigureCell::Count),
            CellForm::State => {
                let known = self.states.contains_key(given);
                known.then(|| FigureCell::State(given.to_owned()))
            }
            form => number(&given.replace(',', "."), form),
        };
        let expected = match column.form {
            CellForm::Count => "a whole number",
            CellForm::State => "a state of the table",
            CellForm::Decimal => "a number",
            CellForm::Percent => "a percentage",
            _ => "a number with a unit: %, ms, s, min, h, working-h, d, working-d or months",
        };
        cell.ok_or_else(|| SourceError::Value {
            line: line.number,
            column: column.name.clone(),
            value: given.to_owned(),
            expected,
        })
    }
}

/// Reads a text: from the column of its name, or from one column a language.
fn text(name: &str, lines: &CsvLines, line: &CsvLine) -> Result<FigureCell, SourceError> {
    let is_single = lines.heads.contains(&name.to_lowercase());
    let texts = Language::ALL.iter().map(|language| {
        let code = language.as_str();
        let given = match is_single {
            true => line.text(name)?,
            false => line.text(&format!("{name}_{code}"))?,
        };
        Ok((code.to_owned(), given.to_owned()))
    });
    let texts: Translations = texts.collect::<Result<_, SourceError>>()?;
    Ok(match texts.values().all(String::is_empty) {
        true => FigureCell::Empty,
        false => FigureCell::Text(texts),
    })
}

/// Parses a number with the unit that its form requires.
fn number(given: &str, form: CellForm) -> Option<FigureCell> {
    let end = given
        .find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | '+' | '-'))
        .unwrap_or(given.len());
    let (digits, unit) = given.split_at(end);
    digits.parse::<f64>().ok()?;
    let unit = match unit.trim() {
        "%" => PERCENT,
        unit => unit,
    };
    let is_time = TIMES.contains(&unit);
    let unit = match form {
        CellForm::Decimal if unit.is_empty() => "",
        CellForm::Percent if unit.is_empty() || unit == PERCENT => PERCENT,
        CellForm::Duration if is_time => unit,
        CellForm::Measure if is_time || unit.is_empty() || unit == PERCENT => unit,
        _ => return None,
    };
    Some(FigureCell::Number {
        digits: digits.to_owned(),
        unit: unit.to_owned(),
    })
}

impl FigureTable {
    /// Returns the sum of the counts of a column.
    pub(crate) fn sum(&self, place: usize) -> u64 {
        let counts = self.cells.iter().filter_map(|row| match row.get(place) {
            Some(FigureCell::Count(count)) => Some(*count),
            _ => None,
        });
        counts.sum()
    }

    pub(super) fn enti_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.cells
            .iter_mut()
            .flatten()
            .filter_map(|cell| match cell {
                FigureCell::Ente(name) => Some(name),
                _ => None,
            })
    }

    /// Returns the names of the enti, as the source writes them.
    pub(crate) fn enti(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().flatten().filter_map(|cell| match cell {
            FigureCell::Ente(name) => Some(name.as_str()),
            _ => None,
        })
    }
}
