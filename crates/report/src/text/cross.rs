//! Tables of many columns: one table, or the fewest groups of columns that fit the terminal.

use std::ops::Range;

use super::grid::{GAP, Grid, GridColumn};
use super::measure::{abbreviate, cut, width};
use super::split;
use crate::document::Table;
use affluenza_words::Language;

/// Width to which row names are cut, if that saves a group.
const NAME_ROOM: usize = 24;
/// Least width to which words of headings are cut; `HEAD_MAX` is the largest.
const HEAD_MIN: usize = 7;
const HEAD_MAX: usize = 13;

/// Formats the table. Its columns are split into groups if they do not fit.
pub(super) fn matrix(table: &Table, language: Language, room: usize) -> String {
    let lines = TableTexts::new(table, language);
    let layout = ColumnLayout::best(&lines, room);
    let groups: Vec<String> = layout
        .groups
        .iter()
        .map(|group| lines.grid(&layout, group).render(room))
        .collect();
    groups.join("\n")
}

/// The texts of a table before layout. The first column holds the names.
struct TableTexts {
    name: String,
    heads: Vec<String>,
    names: Vec<String>,
    cells: Vec<Vec<String>>,
    sums: usize,
}

impl TableTexts {
    fn new(table: &Table, language: Language) -> Self {
        let mut heads = table.columns.iter();
        let rows = table.rows.iter().chain(&table.sums);
        let shown = rows.map(|row| row.iter().map(|cell| cell.show(language)));
        Self {
            name: heads
                .next()
                .map_or_else(String::new, |column| column.short.replace(' ', "\n")),
            heads: heads.map(|column| column.short.clone()).collect(),
            names: shown
                .clone()
                .map(|mut row| row.next().unwrap_or_default())
                .collect(),
            cells: shown.map(|row| row.skip(1).collect()).collect(),
            sums: table.sums.len(),
        }
    }

    /// Returns the width of a column whose heading is cut to words of `head_room`.
    fn column_width(&self, place: usize, head_room: usize) -> usize {
        let cells = self.cells.iter().map(|row| width(&row[place]));
        let head = shorten(&self.heads[place], head_room);
        cells.max().unwrap_or(0).max(width(&head))
    }

    fn grid(&self, layout: &ColumnLayout, group: &Range<usize>) -> Grid {
        let mut columns = vec![GridColumn::text(&self.name)];
        columns.extend(self.heads[group.clone()].iter().map(|head| {
            let head = shorten(head, layout.head_room);
            GridColumn::number(&head, &head)
        }));
        let mut grid = Grid::new(columns);
        grid.gap = layout.gap;
        let rows = self.names.iter().zip(&self.cells).map(|(name, cells)| {
            let name = pad(cut(name, layout.name_room), layout.name_room);
            let mut row = vec![name];
            row.extend_from_slice(&cells[group.clone()]);
            row
        });
        grid.rows = rows.collect();
        grid.sums = grid.rows.split_off(self.names.len() - self.sums);
        grid
    }
}

/// Pads a name, so that groups of columns are aligned below one another.
fn pad(name: String, room: usize) -> String {
    let blanks = room.saturating_sub(width(&name));
    name + &" ".repeat(blanks)
}

/// Layout of the columns.
struct ColumnLayout {
    groups: Vec<Range<usize>>,
    name_room: usize,
    head_room: usize,
    gap: usize,
}

impl ColumnLayout {
    /// Returns the layout with the fewest groups. Among those, it prefers the fullest headings,
    /// then the wider gap, then whole names.
    fn best(lines: &TableTexts, room: usize) -> Self {
        let widest = lines.names.iter().map(|name| width(name)).max();
        let widest = widest.unwrap_or(0).max(width(&lines.name));
        let mut best: Option<Self> = None;
        for head_room in (HEAD_MIN..=HEAD_MAX).rev() {
            for gap in [GAP, 1] {
                for name_room in [widest, widest.min(NAME_ROOM)] {
                    let widths: Vec<usize> = (0..lines.heads.len())
                        .map(|place| lines.column_width(place, head_room))
                        .collect();
                    let groups = split::groups(&widths, gap, room.saturating_sub(name_room));
                    if best
                        .as_ref()
                        .is_none_or(|best| groups.len() < best.groups.len())
                    {
                        best = Some(Self {
                            groups,
                            name_room,
                            head_room,
                            gap,
                        });
                    }
                }
            }
        }
        best.unwrap_or(Self {
            groups: Vec::new(),
            name_room: widest,
            head_room: HEAD_MAX,
            gap: GAP,
        })
    }
}

fn shorten(head: &str, room: usize) -> String {
    let words: Vec<String> = head.lines().map(|word| abbreviate(word, room)).collect();
    words.join("\n")
}
