//! Sheets of a workbook, before they are written in a format: one for each table, and one with
//! contents and contact.

mod cell;
mod coded;

use std::collections::BTreeSet;

use affluenza_words::Language;

pub(super) use self::cell::{BookCell, BookValue, CellRole, NumberForm};
use self::coded::Coded;
use crate::document::{Block, ChartKind, Document, FindingLine, MainFigure, Section};

/// Longest sheet name that spreadsheets accept.
const NAME_MAX: usize = 31;
/// Widest and narrowest column, in characters. Longer texts are wrapped.
const WIDTH_MAX: usize = 48;
const WIDTH_MIN: usize = 11;
/// Width of a column without content.
pub(super) const WIDTH_DEFAULT: usize = 9;
/// Least width of remarks.
const REMARK_WIDTH: usize = 88;
/// A wider sheet is printed on landscape paper.
const PORTRAIT_MAX: usize = 100;

/// A sheet, filled from its top left corner.
#[derive(Default)]
pub(super) struct BookSheet {
    pub name: String,
    /// Widths of the columns, in characters.
    pub widths: Vec<usize>,
    pub rows: Vec<BookRow>,
    pub range: Option<TableRange>,
    pub charts: Vec<BookChart>,
}

/// A row. Its height is a number of lines, since programs do not compute it from wrapped texts.
pub(super) struct BookRow {
    pub lines: usize,
    pub cells: Vec<BookCell>,
}

/// Rows and columns of a table on its sheet, counted from zero.
pub(super) struct TableRange {
    pub head: usize,
    pub last: usize,
    pub columns: usize,
}

/// A chart of columns of the table.
pub(super) struct BookChart {
    pub kind: ChartKind,
    pub title: String,
    pub description: String,
    /// First and last row of the values.
    pub rows: [usize; 2],
    /// Name and column of each series; the report's own year first.
    pub series: Vec<(String, usize)>,
    pub is_percent: bool,
}

impl BookSheet {
    pub fn width(&self) -> usize {
        self.widths.iter().sum()
    }

    pub fn is_landscape(&self) -> bool {
        self.width() > PORTRAIT_MAX
    }

    fn push(&mut self, cells: Vec<BookCell>) {
        let mut lines = 1;
        for (place, cell) in cells.iter().enumerate() {
            let columns = place..place + cell.across;
            let widths = columns.map(|column| self.widths.get(column).unwrap_or(&WIDTH_DEFAULT));
            let width: usize = widths.sum();
            lines = lines.max(cell.lines(width));
        }
        self.rows.push(BookRow { lines, cells });
    }

    /// Adds a text over the width of the table.
    fn push_text(&mut self, text: &str, role: CellRole) {
        let missing = REMARK_WIDTH.saturating_sub(self.width());
        let across = self.widths.len() + missing.div_ceil(WIDTH_DEFAULT);
        let text = BookCell::text(text, role);
        self.push(vec![BookCell { across, ..text }]);
    }
}

/// Returns the sheets of a document: contents and contact first.
pub(super) fn sheets(document: &Document) -> Vec<BookSheet> {
    let language = document.language;
    let mut names = BTreeSet::new();
    let contents = sheet_name(&language.say("contents", &[]), &mut names);
    let mut sheets = vec![BookSheet::default()];
    let mut entries = Vec::new();
    for section in &document.sections {
        if section.id == "contact" {
            continue;
        }
        for blocks in sheets_of(section) {
            let table = match blocks[..] {
                [Block::Table(table), ..] => Some(table),
                _ => None,
            };
            let own = table.and_then(|table| short_name(language, &table.id));
            let own = own.or_else(|| short_name(language, &section.id));
            let name = own.unwrap_or_else(|| section.title.clone());
            let name = sheet_name(&name, &mut names);
            let caption = table.map_or(&section.title, |table| &table.caption);
            entries.push((name.clone(), caption.clone()));
            sheets.push(sheet(name, document, section, &blocks));
        }
    }
    sheets[0] = first(contents, document, entries);
    sheets
}

/// Returns the name for the sheet of a table or section, if its title is too long.
fn short_name(language: Language, id: &str) -> Option<String> {
    language.message(&format!("{id}.sheet"), &[])
}

/// Groups the blocks of a section by sheet: one for each table, with the texts below it. Without a
/// table all blocks are on one sheet.
fn sheets_of(section: &Section) -> Vec<Vec<&Block>> {
    let (tables, texts): (Vec<&Block>, Vec<&Block>) = section
        .blocks
        .iter()
        .filter(|block| !matches!(block, Block::Chart(_) | Block::Charts(_)))
        .partition(|block| matches!(block, Block::Table(_)));
    let mut sheets: Vec<Vec<&Block>> = tables.into_iter().map(|table| vec![table]).collect();
    match sheets.first_mut() {
        Some(first) => first.extend(texts),
        None if texts.is_empty() => {}
        None => sheets.push(texts),
    }
    sheets
}

/// Returns a unique sheet name, without characters that spreadsheets refuse. A long title is cut
/// after a word.
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
        let room = NAME_MAX - end.len();
        let mut kept: String = base.chars().take(room).collect();
        if base.chars().count() > room
            && let Some((words, _)) = kept.rsplit_once(' ')
        {
            kept = words.trim_end_matches([',', ' ']).to_owned();
        }
        let name = format!("{}{end}", kept.trim());
        if names.insert(name.to_lowercase()) {
            return name;
        }
    }
    base
}

/// Returns the sheet of contents and contact.
fn first(name: String, document: &Document, entries: Vec<(String, String)>) -> BookSheet {
    let language = document.language;
    let mut sheet = BookSheet {
        name,
        widths: vec![NAME_MAX + 3, REMARK_WIDTH - NAME_MAX],
        ..BookSheet::default()
    };
    sheet.push_text(&document.centre.mark(), CellRole::Caption);
    sheet.push_text(&document.title, CellRole::Title);
    sheet.push_text(&document.subject, CellRole::Body);
    for line in &document.edition {
        sheet.push_text(line, CellRole::Caption);
    }
    sheet.push(Vec::new());
    let heads = ["sheet", "content"].map(|id| language.say(&format!("book-{id}"), &[]));
    sheet.push(
        heads
            .map(|head| BookCell::text(&head, CellRole::Head))
            .into(),
    );
    for (name, caption) in entries {
        sheet.push(vec![
            BookCell::new(BookValue::Link(name), CellRole::Body),
            BookCell::text(&caption, CellRole::Body),
        ]);
    }
    let mut sections = document.sections.iter();
    if let Some(contact) = sections.find(|section| section.id == "contact") {
        sheet.push(Vec::new());
        sheet.push_text(&contact.title, CellRole::Head);
        for block in &contact.blocks {
            push_block(&mut sheet, block, language);
        }
    }
    sheet
}

/// Returns the sheet of a table, or of a section without tables.
fn sheet(name: String, document: &Document, section: &Section, blocks: &[&Block]) -> BookSheet {
    let language = document.language;
    let mut sheet = BookSheet {
        name,
        ..BookSheet::default()
    };
    let (table, texts) = match blocks {
        [Block::Table(table), texts @ ..] => (Some(Coded::new(table, language)), texts),
        texts => (None, texts),
    };
    sheet.widths = match &table {
        Some(table) => table.widths(language),
        None => vec![WIDTH_MAX, WIDTH_MIN + 5, WIDTH_MAX],
    };
    sheet.push_text(&section.heading(language), CellRole::Title);
    if let Some(table) = &table {
        table.push(&mut sheet, language);
        sheet.push(Vec::new());
    }
    if let Some(statement) = &section.statement {
        sheet.push_text(statement, CellRole::Body);
    }
    for block in texts {
        push_block(&mut sheet, block, language);
    }
    if let Some(table) = &table {
        let charts = section.blocks.iter().filter_map(|block| match block {
            Block::Chart(chart) => table.chart(chart),
            _ => None,
        });
        sheet.charts = charts.collect();
    }
    sheet
}

fn push_block(sheet: &mut BookSheet, block: &Block, language: Language) {
    match block {
        Block::Findings(findings) => push_findings(sheet, findings, language),
        Block::Facts(facts) => push_facts(sheet, facts, language),
        Block::Text(text) => sheet.push_text(text, CellRole::Body),
        Block::Prose(paragraphs) => {
            for paragraph in paragraphs {
                sheet.push_text(&paragraph.plain(), CellRole::Body);
            }
        }
        Block::Logos(logos) => {
            for logo in logos {
                sheet.push_text(&logo.name, CellRole::Body);
            }
        }
        Block::Notes(notes) => {
            for note in notes {
                sheet.push_text(note, CellRole::Body);
            }
        }
        Block::Table(_) | Block::Chart(_) | Block::Charts(_) => {}
    }
}

fn push_findings(sheet: &mut BookSheet, findings: &[FindingLine], language: Language) {
    for finding in findings {
        sheet.push(vec![
            BookCell::text(&finding.sentence, CellRole::Body),
            BookCell::of(&finding.figure, CellRole::Total, language),
            BookCell::text(&finding.reference, CellRole::Body),
        ]);
    }
}

fn push_facts(sheet: &mut BookSheet, facts: &[MainFigure], language: Language) {
    for fact in facts {
        sheet.push(vec![
            BookCell::text(&fact.label, CellRole::Body),
            BookCell::of(&fact.value, CellRole::Total, language),
            BookCell::text(&fact.detail, CellRole::Body),
        ]);
    }
}
