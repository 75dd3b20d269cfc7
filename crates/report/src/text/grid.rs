//! A table of text: names to the left, numbers to the right, and no more lines than needed.

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::measure::{cut, width};

/// Blank columns between two columns of a table.
pub(super) const GAP: usize = 2;
/// Names are not cut below this; rather the table is too wide.
const NAME_MIN: usize = 10;

/// A column of a table.
pub(super) struct Column {
    /// Its heading, perhaps of several lines.
    pub head: String,
    /// The heading where there is little room.
    pub short: String,
    /// Whether it holds text rather than numbers.
    pub text: bool,
}

impl Column {
    /// A column of names.
    pub(super) fn text(head: &str) -> Self {
        Self {
            text: true,
            ..Self::number(head, head)
        }
    }

    /// A column of numbers.
    pub(super) fn number(head: &str, short: &str) -> Self {
        Self {
            head: head.to_owned(),
            short: short.to_owned(),
            text: false,
        }
    }
}

/// A table: its columns, of which some give way where there is little room, its rows, and sums
/// below a rule.
pub(super) struct Grid {
    /// All have as many cells as there are columns.
    pub columns: Vec<Column>,
    /// Places of the columns whose cells are cut where there is little room.
    pub flexible: Vec<usize>,
    /// What is between the columns.
    pub gap: usize,
    /// The body.
    pub rows: Vec<Vec<String>>,
    /// What comes below the rule; empty for none.
    pub sums: Vec<Vec<String>>,
}

impl Grid {
    /// An empty table whose first column gives way.
    pub(super) fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            flexible: vec![0],
            gap: GAP,
            rows: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// The table in `room` columns of a terminal: with full headings if it fits; else with short
    /// ones; then cut in its flexible columns, the widest first. Ends with a line break.
    pub(super) fn render(&self, room: usize) -> String {
        let widths = self.widths(false);
        let short = self.sum(&widths) > room;
        let mut widths = if short { self.widths(true) } else { widths };
        for _ in 0..self.sum(&widths).saturating_sub(room) {
            let widest = self.flexible.iter().max_by_key(|place| widths[**place]);
            match widest {
                Some(place) if widths[*place] > NAME_MIN => widths[*place] -= 1,
                _ => break,
            }
        }

        let heads: Vec<&str> = self.columns.iter().map(|c| c.heading(short)).collect();
        let head_lines = heads.iter().map(|h| h.lines().count()).max().unwrap_or(0);
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        // Headings stand on the rule, so those of fewer lines begin lower.
        for line in 0..head_lines {
            let cell = |head: &&str| {
                let above = head_lines - head.lines().count();
                let text = line.checked_sub(above).and_then(|at| head.lines().nth(at));
                text.unwrap_or("").to_owned()
            };
            self.add(&mut table, heads.iter().map(cell).collect(), &widths);
        }
        for row in self.rows.iter().chain(&self.sums) {
            self.add(&mut table, row.clone(), &widths);
        }
        let last = self.columns.len().saturating_sub(1);
        for (place, column) in table.column_iter_mut().enumerate() {
            let gap = if place == last { 0 } else { self.gap };
            column.set_padding((0, u16::try_from(gap).unwrap_or(0)));
        }

        let rule = "─".repeat(self.sum(&widths));
        let mut text = String::new();
        for (at, line) in table.lines().enumerate() {
            let sums_at = head_lines + self.rows.len();
            if at == head_lines || (at == sums_at && !self.sums.is_empty()) {
                text.push_str(&rule);
                text.push('\n');
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn add(&self, table: &mut Table, cells: Vec<String>, widths: &[usize]) {
        let cells = cells.into_iter().zip(&self.columns).enumerate();
        table.add_row(cells.map(|(place, (text, column))| {
            let text = match self.flexible.contains(&place) {
                true => cut(&text, widths[place]),
                false => text,
            };
            Cell::new(text).set_alignment(match column.text {
                true => CellAlignment::Left,
                false => CellAlignment::Right,
            })
        }));
    }

    fn widths(&self, short: bool) -> Vec<usize> {
        let rows = || self.rows.iter().chain(&self.sums);
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(place, column)| {
                let cells = rows().filter_map(|row| row.get(place));
                let widest = cells.map(|cell| width(cell)).max().unwrap_or(0);
                widest.max(width(column.heading(short)))
            })
            .collect()
    }

    fn sum(&self, widths: &[usize]) -> usize {
        widths.iter().sum::<usize>() + self.gap * widths.len().saturating_sub(1)
    }
}

impl Column {
    fn heading(&self, short: bool) -> &str {
        if short { &self.short } else { &self.head }
    }
}
