//! Sheets of a workbook, before they are written in a format: one for each table, and one with
//! contents and contact.

use std::collections::BTreeSet;

use affluenza_words::Language;

use crate::document::{
    Block, Cell, Chart, ChartKind, Document, FindingLine, MainFigure, Section, Table,
};

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

/// A cell.
#[derive(Clone)]
pub(super) struct BookCell {
    pub value: BookValue,
    pub role: CellRole,
    /// True for figures, and texts in their place.
    pub right: bool,
    /// Number of columns that the cell covers.
    pub across: usize,
}

#[derive(Clone)]
pub(super) enum BookValue {
    Empty,
    Text(String),
    /// A link to the sheet of this name.
    Link(String),
    Number(f64, NumberForm),
    /// Sum of the cells of the column in these rows, first and last.
    Sum([usize; 2], f64, NumberForm),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellRole {
    Title,
    Caption,
    Head,
    Body,
    Total,
}

/// Form of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NumberForm {
    pub decimals: usize,
    pub is_grouped: bool,
    /// The value is a fraction, and shown as a percentage.
    pub is_percent: bool,
    pub has_plus: bool,
    pub has_dash_for_zero: bool,
    /// Text after the number.
    pub unit: String,
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

impl BookCell {
    fn new(value: BookValue, role: CellRole) -> Self {
        Self {
            value,
            role,
            right: false,
            across: 1,
        }
    }

    fn text(text: &str, role: CellRole) -> Self {
        Self::new(BookValue::Text(text.to_owned()), role)
    }

    fn of(cell: &Cell, role: CellRole, language: Language) -> Self {
        let form = NumberForm::of(cell, language);
        let number = match cell {
            // Spreadsheets store a percentage as a fraction.
            Cell::Share(percent) | Cell::Change(percent) => Some(percent / 100.0),
            cell => cell.number(),
        };
        let value = match (cell, number) {
            (Cell::Empty, _) => BookValue::Empty,
            (_, Some(number)) => BookValue::Number(number, form),
            _ => BookValue::Text(cell.show(language)),
        };
        Self {
            right: cell.text().is_none(),
            ..Self::new(value, role)
        }
    }

    /// Returns the lines of a text that is wrapped to this width.
    fn lines(&self, width: usize) -> usize {
        let (BookValue::Text(text) | BookValue::Link(text)) = &self.value else {
            return 1;
        };
        // Bold letters are wider.
        let room = match self.role {
            CellRole::Body | CellRole::Caption => width,
            CellRole::Head | CellRole::Total => width * 9 / 10,
            CellRole::Title => width * 6 / 10,
        };
        let room = room.max(1);
        let mut lines = 0;
        for paragraph in text.split('\n') {
            lines += 1;
            let mut used = 0;
            for word in paragraph.split(' ') {
                let length = word.chars().count();
                if used > 0 && used + 1 + length > room {
                    lines += 1;
                    used = 0;
                }
                lines += length.saturating_sub(1) / room;
                used += length + usize::from(used > 0);
            }
        }
        lines
    }
}

impl NumberForm {
    fn of(cell: &Cell, language: Language) -> Self {
        let grouped = Self {
            is_grouped: true,
            ..Self::default()
        };
        let percent = Self {
            decimals: 1,
            is_percent: true,
            ..Self::default()
        };
        let decimals = |digits: &str| digits.split_once('.').map_or(0, |(_, after)| after.len());
        match cell {
            Cell::Count(_) => grouped,
            Cell::Sparse(_) => Self {
                has_dash_for_zero: true,
                ..grouped
            },
            Cell::Difference(_) => Self {
                has_plus: true,
                ..grouped
            },
            Cell::Share(_) => percent,
            Cell::Change(_) => Self {
                has_plus: true,
                ..percent
            },
            Cell::Mean(_, decimals) => Self {
                decimals: usize::from(*decimals).max(1),
                ..grouped
            },
            Cell::Measured(percent) => Self {
                decimals: decimals(&percent.to_string()),
                ..grouped
            },
            Cell::Given(given) => {
                let shown = cell.show(language);
                let is_unit = |letter: char| letter.is_alphabetic() || letter == '%';
                let unit = shown.find(is_unit).map_or("", |from| &shown[from..]);
                let space = if matches!(unit, "" | "%") { "" } else { " " };
                Self {
                    decimals: decimals(&given.digits),
                    has_plus: given.digits.starts_with('+'),
                    unit: format!("{space}{unit}"),
                    ..grouped
                }
            }
            _ => Self::default(),
        }
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

/// A column of a sheet: one of the table, or the codes of its names.
#[derive(Clone, Copy)]
enum SheetColumn {
    Cells(usize),
    Codes(usize),
}

/// A table with columns for the codes of its names.
struct Coded<'t> {
    table: &'t Table,
    columns: Vec<SheetColumn>,
    heads: Vec<String>,
}

impl<'t> Coded<'t> {
    fn new(table: &'t Table, language: Language) -> Self {
        let (mut columns, mut heads) = (Vec::new(), Vec::new());
        for (place, column) in table.columns.iter().enumerate() {
            columns.push(SheetColumn::Cells(place));
            heads.push(match &*column.head {
                // The other forms show ranks without a heading.
                "" => language.say("book-rank", &[]),
                head => head.to_owned(),
            });
            let mut names = table.rows.iter().filter_map(|row| match &row[place] {
                Cell::Named(named) => Some(named.kind),
                _ => None,
            });
            if let Some(kind) = names.next() {
                columns.push(SheetColumn::Codes(place));
                let kind: &str = kind.into();
                heads.push(language.say(&format!("code-{kind}"), &[]));
            }
        }
        Self {
            table,
            columns,
            heads,
        }
    }

    fn cell(row: &[Cell], column: SheetColumn, role: CellRole, language: Language) -> BookCell {
        match column {
            SheetColumn::Cells(place) => BookCell::of(&row[place], role, language),
            SheetColumn::Codes(place) => match &row[place] {
                Cell::Named(named) => BookCell::text(&named.code, role),
                _ => BookCell::new(BookValue::Empty, role),
            },
        }
    }

    fn is_text(&self, column: SheetColumn) -> bool {
        match column {
            SheetColumn::Cells(place) => self.table.columns[place].text,
            SheetColumn::Codes(..) => true,
        }
    }

    fn widths(&self, language: Language) -> Vec<usize> {
        let columns = self.columns.iter().zip(&self.heads);
        let widths = columns.map(|(column, head)| {
            let rows = self.table.rows.iter().chain(&self.table.sums);
            let texts = rows.map(|row| match *column {
                SheetColumn::Cells(place) => row[place].show(language).chars().count(),
                SheetColumn::Codes(place) => match &row[place] {
                    Cell::Named(named) => named.code.chars().count(),
                    _ => 0,
                },
            });
            let words = head.split([' ', '\n']).map(|word| word.chars().count() + 3);
            let widest = texts.max().unwrap_or(0).max(words.max().unwrap_or(0));
            (widest + 2).clamp(WIDTH_MIN, WIDTH_MAX)
        });
        widths.collect()
    }

    /// Adds caption, headings, rows and totals to a sheet.
    fn push(&self, sheet: &mut BookSheet, language: Language) {
        sheet.push_text(&self.table.caption, CellRole::Caption);
        let head = sheet.rows.len();
        let heads = self.columns.iter().zip(&self.heads);
        let heads = heads.map(|(column, head)| BookCell {
            right: !self.is_text(*column),
            ..BookCell::text(&head.replace('\n', " "), CellRole::Head)
        });
        sheet.push(heads.collect());
        for row in &self.table.rows {
            let cells = self.columns.iter();
            let cells = cells.map(|column| Self::cell(row, *column, CellRole::Body, language));
            sheet.push(cells.collect());
        }
        let last = sheet.rows.len() - 1;
        for row in &self.table.sums {
            let cells = self.columns.iter().map(|column| {
                let cell = Self::cell(row, *column, CellRole::Total, language);
                match *column {
                    SheetColumn::Cells(place) => self.summed(cell, place, [head + 1, last]),
                    SheetColumn::Codes(..) => cell,
                }
            });
            sheet.push(cells.collect());
        }
        sheet.range = Some(TableRange {
            head,
            last,
            columns: self.columns.len(),
        });
    }

    /// Replaces a total by a formula, if it is the sum of the cells above it.
    fn summed(&self, cell: BookCell, place: usize, rows: [usize; 2]) -> BookCell {
        let BookValue::Number(total, form) = &cell.value else {
            return cell;
        };
        let cells = self.table.rows.iter().map(|row| &row[place]);
        let counts = cells.map(|cell| match cell {
            Cell::Count(count) | Cell::Sparse(count) => Some(*count as f64),
            Cell::Difference(count) => Some(*count as f64),
            Cell::Empty => Some(0.0),
            _ => None,
        });
        match counts.sum::<Option<f64>>() {
            Some(sum) if sum == *total && !form.is_percent => BookCell {
                value: BookValue::Sum(rows, *total, form.clone()),
                ..cell
            },
            _ => cell,
        }
    }

    /// Returns a chart whose values are columns of the table; `None` for any other chart.
    fn chart(&self, chart: &Chart) -> Option<BookChart> {
        let rows = &self.table.rows;
        let is_labelled = chart.labels.len() == rows.len()
            && rows
                .iter()
                .zip(&chart.labels)
                .all(|(row, label)| row[0].text() == Some(label));
        if !is_labelled {
            return None;
        }
        let series = chart.series.iter().map(|series| {
            let column = self.columns.iter().position(|column| match *column {
                SheetColumn::Cells(place) => rows
                    .iter()
                    .zip(&series.values)
                    .all(|(row, value)| row[place].number() == value.shown()),
                SheetColumn::Codes(..) => false,
            });
            Some((series.name.clone(), column?))
        });
        let mut values = chart.series.iter().flat_map(|series| &series.values);
        let kind = match chart.kind {
            // A line would fall to zero at a cell with a text.
            ChartKind::Lines if values.any(|value| value.shown().is_none()) => ChartKind::Columns,
            kind => kind,
        };
        // Title, caption and headings are above the rows.
        let first = 3;
        Some(BookChart {
            kind,
            title: chart.title.clone(),
            description: chart.description.clone(),
            rows: [first, first + rows.len() - 1],
            series: series.collect::<Option<_>>()?,
            is_percent: chart.percent,
        })
    }
}
