//! A table of text: names aligned left, numbers right, with as few lines as possible.

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::measure::{cut, width};

/// Blank columns between two columns of a table.
pub(super) const GAP: usize = 2;
/// Least width of a cut name. A table that still does not fit is too wide.
const NAME_MIN: usize = 10;

/// A column of a table.
pub(super) struct GridColumn {
    /// Heading, of one or more lines.
    pub head: String,
    /// Heading for narrow terminals.
    pub short: String,
    /// True for text, false for numbers.
    pub text: bool,
}

impl GridColumn {
    /// Creates a column of names.
    pub(super) fn text(head: &str) -> Self {
        Self {
            text: true,
            ..Self::number(head, head)
        }
    }

    /// Creates a column of numbers.
    pub(super) fn number(head: &str, short: &str) -> Self {
        Self {
            head: head.to_owned(),
            short: short.to_owned(),
            text: false,
        }
    }
}

/// A table: columns, of which some are cut where space is short, rows, and sums below a rule.
pub(super) struct Grid {
    /// Columns from left to right; every row has one cell for each.
    pub columns: Vec<GridColumn>,
    /// Indices of the columns whose cells are cut where space is short.
    pub flexible: Vec<usize>,
    /// Blank columns between two columns.
    pub gap: usize,
    /// Rows of the body.
    pub rows: Vec<Vec<String>>,
    /// Rows below the rule; empty for none.
    pub sums: Vec<Vec<String>>,
}

impl Grid {
    /// Creates an empty table whose first column is flexible.
    pub(super) fn new(columns: Vec<GridColumn>) -> Self {
        Self {
            columns,
            flexible: vec![0],
            gap: GAP,
            rows: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// Formats the table for `room` terminal columns. It uses full headings if they fit, otherwise
    /// short ones. Then it cuts the flexible columns, the widest first. The text ends with a line
    /// break.
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
        // Headings are aligned at the bottom, so shorter ones begin lower.
        for line in 0..head_lines {
            let cells = heads.iter().map(|head| {
                let above = head_lines - head.lines().count();
                let text = line.checked_sub(above).and_then(|at| head.lines().nth(at));
                text.unwrap_or("").to_owned()
            });
            self.add(&mut table, cells.collect(), &widths);
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
        let rows = self.rows.iter().chain(&self.sums);
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(place, column)| {
                let cells = rows.clone().filter_map(|row| row.get(place));
                let widest = cells.map(|cell| width(cell)).max().unwrap_or(0);
                widest.max(width(column.heading(short)))
            })
            .collect()
    }

    fn sum(&self, widths: &[usize]) -> usize {
        widths.iter().sum::<usize>() + self.gap * widths.len().saturating_sub(1)
    }
}

impl GridColumn {
    fn heading(&self, short: bool) -> &str {
        if short { &self.short } else { &self.head }
    }
}
