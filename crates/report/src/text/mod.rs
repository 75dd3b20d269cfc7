//! The report as text for a terminal, without colours. No line is wider than requested, unless the
//! width is too small for any table.

mod cross;
mod grid;
mod measure;
mod split;
mod strip;

use affluenza_words::Language;

use crate::document::{
    Block, Chart, ChartKind, Charted, Document, FindingLine, MainFigure, Section, Table,
};
use grid::{Grid, GridColumn};
use measure::width;

pub(crate) use measure::{first_words, harmless, wrap};

/// Least width of a table, in terminal columns.
const ROOM_MIN: usize = 60;
/// Largest width of a table cell. A table with a longer text is written as paragraphs.
const CELL_MAX: usize = 80;

/// Formats the whole text: a heading, then the sections with two blank lines between.
pub(crate) fn page(document: &Document, width: usize) -> String {
    let document = &*document.printed();
    let room = width.max(ROOM_MIN);
    let mut parts = vec![heading(document, room)];
    let sections = document.sections.iter();
    parts.extend(sections.map(|section| body(section, document.language, room)));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn heading(document: &Document, room: usize) -> String {
    let title = wrap(&document.title, room, "");
    let rule = "═".repeat(width(&title));
    let mut text = format!("{title}\n{rule}\n{}\n", wrap(&document.subject, room, ""));
    for line in &document.edition {
        text.push_str(&wrap(line, room, "  "));
        text.push('\n');
    }
    text
}

/// Formats the heading and the blocks of a section. A table has its caption above it.
fn body(section: &Section, language: Language, room: usize) -> String {
    let heading = section.heading(language);
    let is_captioned = matches!(
        section.blocks.first(),
        Some(Block::Table(_) | Block::Chart(_))
    );
    let mut text = match &section.statement {
        Some(statement) => wrap(&format!("{heading}: {statement}"), room, "") + "\n",
        // The caption of the first table repeats the name of a chapter.
        None if is_captioned && section.annex.is_none() => String::new(),
        None => wrap(&heading, room, "") + "\n",
    };
    for block in &section.blocks {
        let part = match block {
            Block::Table(table) if table.charted == Charted::Everywhere => continue,
            Block::Chart(chart) if chart.kind == ChartKind::Columns => {
                strip_of(chart, language, room)
            }
            Block::Charts(charts) => {
                let columns = charts
                    .iter()
                    .filter(|chart| chart.kind == ChartKind::Columns);
                let strips = columns.map(|chart| strip_of(chart, language, room));
                strips.collect::<Vec<_>>().join("\n")
            }
            Block::Chart(_) => continue,
            Block::Table(table) => {
                let caption = wrap(&table.caption, room, "");
                format!("{caption}\n\n{}", shown(table, language, room))
            }
            Block::Findings(findings) => self::findings(findings, language, room),
            Block::Facts(list) => facts(list, language, room),
            Block::Text(paragraph) => format!("{}\n", wrap(paragraph, room, "")),
            Block::Prose(paragraphs) => {
                let wrapped = paragraphs.iter().map(|paragraph| {
                    let indent = if paragraph.mark.is_empty() { "" } else { "  " };
                    wrap(&paragraph.plain(), room, indent) + "\n"
                });
                wrapped.collect()
            }
            Block::Logos(logos) => {
                let names = logos.iter().map(|logo| wrap(&logo.name, room, "") + "\n");
                names.collect()
            }
            Block::Notes(notes) => {
                let wrapped = notes
                    .iter()
                    .map(|note| wrap(&format!("- {note}"), room, "  ") + "\n");
                wrapped.collect()
            }
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    }
    text
}

fn strip_of(chart: &Chart, language: Language, room: usize) -> String {
    let strip = strip::strip(chart, language, room);
    format!("{}\n\n{strip}", wrap(&chart.title, room, ""))
}

fn findings(findings: &[FindingLine], language: Language, room: usize) -> String {
    let lines = findings.iter().map(|finding| {
        let figure = finding.figure.show(language);
        let line = format!("{figure}  {} {}", finding.sentence, finding.reference);
        wrap(line.trim(), room, "    ") + "\n"
    });
    lines.collect()
}

fn facts(facts: &[MainFigure], language: Language, room: usize) -> String {
    let mut grid = Grid::new(vec![
        GridColumn::number("", ""),
        GridColumn::text(""),
        GridColumn::text(""),
    ]);
    grid.flexible = vec![1];
    grid.rows = facts
        .iter()
        .map(|fact| {
            let value = fact.value.show(language);
            vec![value, fact.label.clone(), fact.detail.clone()]
        })
        .collect();
    // Facts have no headings, so the blank heading and its rule are skipped.
    let text = grid.render(room);
    text.lines()
        .skip_while(|line| line.trim().is_empty() || line.starts_with('─'))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn shown(table: &Table, language: Language, room: usize) -> String {
    if table.matrix {
        return cross::matrix(table, language, room);
    }
    let mut cells = table.rows.iter().flatten();
    if cells.any(|cell| cell.text().is_some_and(|text| width(text) > CELL_MAX)) {
        return paragraphs(table, language, room);
    }
    let columns = table.columns.iter().map(|column| match column.text {
        true => GridColumn::text(&column.head),
        false => GridColumn::number(&column.head, &column.short),
    });
    let mut grid = Grid::new(columns.collect());
    let texts = table.columns.iter().enumerate();
    grid.flexible = texts
        .filter(|(_, column)| column.text)
        .map(|(place, _)| place)
        .collect();
    [grid.rows, grid.sums] = [&table.rows, &table.sums].map(|rows| {
        rows.iter()
            .map(|row| row.iter().map(|cell| cell.show(language)).collect())
            .collect()
    });
    grid.render(room)
}

/// Formats rows of long texts, one paragraph each.
fn paragraphs(table: &Table, language: Language, room: usize) -> String {
    let mut text = String::new();
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.show(language)).collect();
        let (name, rest) = cells
            .split_first()
            .map_or(("", &[][..]), |(name, rest)| (name, rest));
        let long = rest.iter().max_by_key(|cell| width(cell));
        let mut line = name.to_owned();
        let short = rest
            .iter()
            .filter(|cell| !cell.is_empty() && Some(*cell) != long);
        let short: Vec<&str> = short.map(String::as_str).collect();
        if !short.is_empty() {
            line.push_str(&format!(" [{}]", short.join(", ")));
        }
        if let Some(long) = long {
            line.push_str(": ");
            line.push_str(long);
        }
        text.push_str(&wrap(&line, room, "  "));
        text.push('\n');
    }
    text
}
