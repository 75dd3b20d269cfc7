//! A document as JSON: its tables, figure by figure. `schemas/report.schema.json` is generated from
//! these types.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::Report;
use crate::document::{
    Block, Cell, Column, Document, EditionState, FindingLine, MainFigure, NameKind, Paragraph,
    Section, Table,
};

/// A report of Affluenza. The public edition has exactly these fields. An internal edition has the
/// figures once more as data for programs, in further fields.
#[derive(Serialize, JsonSchema)]
struct PrintedReport<'d> {
    /// Calendar year.
    year: i16,
    /// Days of the report: `2017`, `2017-Q1` or `2017-03`.
    period: String,
    /// Last counted day of a period that is not over.
    data_until: Option<String>,
    /// Language of titles, names and texts: `it`.
    language: &'d str,
    title: &'d str,
    /// One ente, or the number of enti.
    subject: &'d str,
    /// State of the figures.
    state: EditionState,
    /// Hash of the seal that the figures come from.
    seal_hash: Option<&'d str>,
    /// Time when the figures were sealed, RFC 3339.
    sealed_at: Option<&'d str>,
    /// Remarks on edition, comparison and counted use.
    edition: &'d [String],
    /// Chapters and annexes.
    sections: Vec<PrintedSection<'d>>,
}

/// A chapter or an annex.
#[derive(Serialize, JsonSchema)]
struct PrintedSection<'d> {
    /// Short name, the same in every language.
    id: &'d str,
    title: &'d str,
    /// Finding that the tables prove.
    statement: Option<&'d str>,
    /// Number of the annex; null for a chapter.
    annex: Option<usize>,
    /// Content. Charts are left out, since their tables have all figures.
    blocks: Vec<PrintedBlock<'d>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PrintedBlock<'d> {
    Text(&'d str),
    /// Paragraphs of the centre, without emphasis.
    Prose(Vec<String>),
    /// Names of logos.
    Logos(Vec<&'d str>),
    Notes(&'d [String]),
    Findings(Vec<PrintedFinding<'d>>),
    Facts(Vec<PrintedFact<'d>>),
    Table(PrintedTable<'d>),
}

#[derive(Serialize, JsonSchema)]
struct PrintedFinding<'d> {
    figure: PrintedCell<'d>,
    sentence: &'d str,
    /// Id of the section that proves the finding.
    section: Option<&'d str>,
}

/// A main figure.
#[derive(Serialize, JsonSchema)]
struct PrintedFact<'d> {
    label: &'d str,
    figure: PrintedCell<'d>,
    detail: &'d str,
}

#[derive(Serialize, JsonSchema)]
struct PrintedTable<'d> {
    /// Short name, the same in every language.
    id: &'d str,
    /// Caption with the unit.
    caption: &'d str,
    columns: Vec<PrintedColumn<'d>>,
    /// Rows with a cell for each column.
    rows: Vec<Vec<PrintedCell<'d>>>,
    /// Totals below the rows.
    sums: Vec<Vec<PrintedCell<'d>>>,
}

#[derive(Serialize, JsonSchema)]
struct PrintedColumn<'d> {
    /// Short name, the same in every language; a code of the register for the column of a category.
    id: &'d str,
    head: &'d str,
}

/// A cell of a table.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum PrintedCell<'d> {
    /// The column does not apply to the row.
    Empty,
    Text(&'d str),
    /// A name of the register.
    Name {
        kind: NameKind,
        code: &'d str,
        name: &'d str,
    },
    /// An unrounded number with its unit: `count`, `difference`, `percent`, `mean`, `number`, or the
    /// unit of an imported figure.
    Figure {
        value: Number,
        unit: &'d str,
    },
    /// No number, and the reason.
    Missing {
        value: (),
        status: MissingStatus,
    },
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MissingStatus {
    /// For example a change on a base of zero.
    NotDefined,
    /// No source gave the figure.
    NotAvailable,
    /// Hidden, since it could reveal the use of a person.
    Suppressed,
}

/// Formats a document as JSON: sections with texts, figures and tables. `report` adds the figures
/// in full.
pub fn json(document: &Document, report: Option<&Report>) -> String {
    let object = |value: serde_json::Result<Value>| -> Map<String, Value> {
        let value = value.expect("it has text keys only");
        serde_json::from_value(value).expect("a struct is an object")
    };
    let mut fields = object(serde_json::to_value(PrintedReport::from(document)));
    if let Some(report) = report {
        fields.extend(object(serde_json::to_value(report)));
    }
    serde_json::to_string_pretty(&fields).expect("it has text keys only")
}

impl<'d> From<&'d Document> for PrintedReport<'d> {
    fn from(document: &'d Document) -> Self {
        Self {
            year: document.period.year(),
            period: document.period.to_string(),
            data_until: document.period.counted_until().map(|day| day.to_string()),
            language: document.language.as_str(),
            title: &document.title,
            subject: &document.subject,
            state: document.state,
            seal_hash: document.seal_hash.as_deref(),
            sealed_at: document.sealed_at.as_deref(),
            edition: &document.edition,
            sections: document.sections.iter().map(section).collect(),
        }
    }
}

fn section(section: &Section) -> PrintedSection<'_> {
    PrintedSection {
        id: &section.id,
        title: &section.title,
        statement: section.statement.as_deref(),
        annex: section.annex,
        blocks: section.blocks.iter().filter_map(block).collect(),
    }
}

fn block(block: &Block) -> Option<PrintedBlock<'_>> {
    Some(match block {
        Block::Text(text) => PrintedBlock::Text(text),
        Block::Prose(paragraphs) => {
            PrintedBlock::Prose(paragraphs.iter().map(Paragraph::plain).collect())
        }
        Block::Logos(logos) => PrintedBlock::Logos(logos.iter().map(|logo| &*logo.name).collect()),
        Block::Notes(notes) => PrintedBlock::Notes(notes),
        Block::Findings(findings) => PrintedBlock::Findings(findings.iter().map(finding).collect()),
        Block::Facts(facts) => PrintedBlock::Facts(facts.iter().map(fact).collect()),
        Block::Table(table) => PrintedBlock::Table(self::table(table)),
        Block::Chart(_) | Block::Charts(_) => return None,
    })
}

fn finding(finding: &FindingLine) -> PrintedFinding<'_> {
    PrintedFinding {
        figure: cell(&finding.figure),
        sentence: &finding.sentence,
        section: finding.section.as_deref(),
    }
}

fn fact(fact: &MainFigure) -> PrintedFact<'_> {
    PrintedFact {
        label: &fact.label,
        figure: cell(&fact.value),
        detail: &fact.detail,
    }
}

fn table(table: &Table) -> PrintedTable<'_> {
    PrintedTable {
        id: &table.id,
        caption: &table.caption,
        columns: table.columns.iter().map(column).collect(),
        rows: rows(&table.rows),
        sums: rows(&table.sums),
    }
}

fn column(column: &Column) -> PrintedColumn<'_> {
    PrintedColumn {
        id: &column.id,
        head: &column.head,
    }
}

fn rows(rows: &[Vec<Cell>]) -> Vec<Vec<PrintedCell<'_>>> {
    rows.iter()
        .map(|row| row.iter().map(cell).collect())
        .collect()
}

fn cell(cell: &Cell) -> PrintedCell<'_> {
    let missing = |status| PrintedCell::Missing { value: (), status };
    let (value, unit) = match cell {
        Cell::Empty => return PrintedCell::Empty,
        Cell::Text(text) => return PrintedCell::Text(text),
        Cell::Named(named) => {
            return PrintedCell::Name {
                kind: named.kind,
                code: &named.code,
                name: &named.name,
            };
        }
        Cell::Undefined => return missing(MissingStatus::NotDefined),
        Cell::Unavailable => return missing(MissingStatus::NotAvailable),
        Cell::Suppressed => return missing(MissingStatus::Suppressed),
        Cell::Count(count) | Cell::Sparse(count) => (Some(Number::from(*count)), "count"),
        Cell::Difference(count) => (Some(Number::from(*count)), "difference"),
        Cell::Plain(number) => (Some(Number::from(*number)), "number"),
        Cell::Share(_) | Cell::Change(_) | Cell::Measured(_) => (None, "percent"),
        Cell::Mean(..) => (None, "mean"),
        Cell::Given(given) => (None, given.unit()),
    };
    match value.or_else(|| Number::from_f64(cell.number()?)) {
        Some(value) => PrintedCell::Figure { value, unit },
        None => missing(MissingStatus::NotDefined),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use affluenza_words::Language;

    use super::*;

    fn schema() -> String {
        let schema = schemars::schema_for!(PrintedReport<'_>);
        serde_json::to_string_pretty(&schema).unwrap() + "\n"
    }

    #[test]
    fn the_schema_is_that_of_the_types() {
        let file = "../../schemas/report.schema.json";
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&file, schema()).unwrap();
        }
        let written = std::fs::read_to_string(file).unwrap();
        let again = "run the tests once with UPDATE_SCHEMAS=1";
        assert_eq!(written, schema(), "{again}");
    }

    #[test]
    fn both_editions_and_both_languages_have_one_schema() {
        let schema = serde_json::from_str(&schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let report = crate::tests::report();
        for language in [Language::IT, Language::EN] {
            let document = Document::new(&report, language);
            for report in [None, Some(&report)] {
                let printed = serde_json::from_str(&json(&document, report)).unwrap();
                let errors = validator.iter_errors(&printed);
                let errors: Vec<String> = errors.map(|error| error.to_string()).collect();
                assert_eq!(errors, Vec::<String>::new());
            }
        }
        let without_sections = serde_json::json!({ "year": 2017 });
        assert!(!validator.is_valid(&without_sections));
    }
}
