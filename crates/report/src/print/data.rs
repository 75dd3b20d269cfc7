//! A document as JSON: its tables, figure by figure.

use crate::document::{Block, Cell, Document, FindingLine, MainFigure, Table};
use serde_json::{Value, json};

/// Formats the document as JSON: sections with texts, figures and tables. A figure is `{"value": …,
/// "unit": …}`, unrounded. A missing figure is `{"value": null, "status": …}` with the status
/// `not_defined`, `not_available` or `suppressed`.
pub fn json(document: &Document) -> String {
    let sections = document.sections.iter().map(|section| {
        json!({
            "id": section.id,
            "title": section.title,
            "statement": section.statement,
            "annex": section.annex,
            "blocks": section.blocks.iter().filter_map(block).collect::<Vec<_>>(),
        })
    });
    let document = json!({
        "year": document.period.year(),
        "period": document.period,
        "data_until": document.period.counted_until(),
        "language": document.language.as_str(),
        "title": document.title,
        "subject": document.subject,
        "edition": document.edition,
        "sealed_at": document.sealed_at,
        "sections": sections.collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&document).expect("it has text keys only")
}

/// Formats a block. Charts are left out, since their tables have all figures.
fn block(block: &Block) -> Option<Value> {
    Some(match block {
        Block::Text(text) => json!({ "text": text }),
        Block::Notes(notes) => json!({ "notes": notes }),
        Block::Findings(findings) => {
            json!({ "findings": findings.iter().map(finding).collect::<Vec<_>>() })
        }
        Block::Facts(facts) => json!({ "facts": facts.iter().map(fact).collect::<Vec<_>>() }),
        Block::Table(table) => json!({ "table": self::table(table) }),
        Block::Chart(_) => return None,
    })
}

fn finding(finding: &FindingLine) -> Value {
    json!({
        "figure": cell(&finding.figure),
        "sentence": finding.sentence,
        "section": finding.section,
    })
}

fn fact(fact: &MainFigure) -> Value {
    json!({ "label": fact.label, "figure": cell(&fact.value), "detail": fact.detail })
}

fn table(table: &Table) -> Value {
    let heads = table.columns.iter().map(|column| &column.head);
    json!({
        "id": table.id,
        "caption": table.caption,
        "columns": heads.collect::<Vec<_>>(),
        "rows": rows(&table.rows),
        "sums": rows(&table.sums),
    })
}

fn rows(rows: &[Vec<Cell>]) -> Vec<Vec<Value>> {
    rows.iter()
        .map(|row| row.iter().map(cell).collect())
        .collect()
}

fn cell(cell: &Cell) -> Value {
    let (unit, status) = match cell {
        Cell::Empty => return Value::Null,
        Cell::Text(text) => return json!(text),
        Cell::Undefined => ("", "not_defined"),
        Cell::Unavailable => ("", "not_available"),
        Cell::Suppressed => ("", "suppressed"),
        Cell::Count(count) | Cell::Sparse(count) => {
            return json!({ "value": count, "unit": "count" });
        }
        Cell::Difference(count) => return json!({ "value": count, "unit": "difference" }),
        Cell::Plain(number) => return json!({ "value": number, "unit": "number" }),
        Cell::Share(_) | Cell::Change(_) | Cell::Measured(_) => ("percent", ""),
        Cell::Mean(..) => ("mean", ""),
        Cell::Given(given) => (given.unit(), ""),
    };
    match cell.number() {
        Some(number) => json!({ "value": number, "unit": unit }),
        None => json!({ "value": null, "status": status }),
    }
}
