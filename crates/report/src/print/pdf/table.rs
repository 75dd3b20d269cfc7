//! Tables: column widths and page breaks.

use crate::document::{Column, Table};
use affluenza_words::Language;
use krilla::tagging::{TableHeaderScope, Tag};

use super::font::{Fonts, Style, StyledLine, Weight};
use super::paper::{Branch, FAINT, INK, Mark, Paper, PieceRole, RULE, SOFT};
use super::slides::within;

/// A table of at most this many rows is kept on one sheet if possible.
const SHORT: usize = 16;
/// Number of rows of a longer table that stay with the headings.
const FIRST: usize = 4;
/// Font sizes that are tried until the columns fit.
const SIZES: [f32; 6] = [9.0, 8.2, 7.4, 6.6, 5.8, 5.0];
/// Largest font size of a table of many columns.
const MATRIX_SIZE: f32 = 7.8;

/// A row whose cells are broken into lines.
struct TypesetRow {
    cells: Vec<Vec<StyledLine>>,
    height: f32,
    /// True for headings: their cells are aligned at the bottom instead of the top.
    is_head: bool,
}

/// A table with computed column widths.
pub(super) struct TypesetTable<'t> {
    table: &'t Table,
    caption: Vec<StyledLine>,
    head: TypesetRow,
    rows: Vec<TypesetRow>,
    sums: Vec<TypesetRow>,
    widths: Vec<f32>,
    /// Padding of a cell: horizontal and vertical.
    pad: (f32, f32),
}

fn caption_style() -> Style {
    Style {
        weight: Weight::Regular,
        size: 9.0,
        leading: 1.3,
        colour: SOFT,
    }
}

/// Returns the heading of a column.
fn head_text<'t>(table: &Table, column: &'t Column) -> &'t str {
    match table.matrix {
        true => &column.short,
        false => &column.head,
    }
}

impl<'t> TypesetTable<'t> {
    /// Lays the table out on this width.
    pub fn new(fonts: &Fonts, table: &'t Table, language: Language, width: f32) -> Self {
        let sizes = SIZES.iter().copied();
        let mut sizes = sizes.filter(|size| !table.matrix || *size <= MATRIX_SIZE);
        let mut size = sizes.next().unwrap_or(MATRIX_SIZE);
        loop {
            let measured = Measured::new(fonts, table, language, size);
            let least: f32 = measured.least.iter().sum();
            match sizes.next() {
                Some(next) if least > width => size = next,
                _ => return measured.grid(fonts, table, language, width),
            }
        }
    }

    /// True if the letters were not made smaller to fit the columns.
    pub fn is_full_size(&self) -> bool {
        let cells = self.head.cells.iter().flatten();
        cells.into_iter().all(|line| line.style.size >= SIZES[0])
    }

    /// Returns the number of rows that fit with headings and sums.
    pub fn rows_within(&self, room: f32) -> usize {
        let sums: f32 = self.sums.iter().map(|row| row.height).sum();
        let rows = self.rows.iter().map(|row| row.height);
        within(rows, room - self.top_height() - sums)
    }

    /// Returns the height that must stay with the heading above the table.
    pub fn start_height(&self, room: f32) -> f32 {
        let all = self.height();
        if self.rows.len() <= SHORT && all <= room {
            return all;
        }
        let first = self.rows.iter().take(FIRST);
        self.top_height() + first.map(|row| row.height).sum::<f32>()
    }

    fn top_height(&self) -> f32 {
        let caption = self.caption.len() as f32 * caption_style().line_height();
        caption + 4.0 + self.head.height
    }

    fn height(&self) -> f32 {
        let rows = self.rows.iter().chain(&self.sums);
        self.top_height() + rows.map(|row| row.height).sum::<f32>()
    }

    /// Places the table on paper.
    pub fn place(self, paper: &mut Paper<'_>) -> Branch {
        let room = paper.full_room();
        paper.need(self.start_height(room));
        let caption = paper.lines(paper.left(), self.caption.clone());
        paper.y += 4.0;
        let mut branch = Branch::new(Tag::Table);
        branch.push(Branch::of(Tag::Caption, caption));
        let mut head = Branch::new(Tag::THead);
        head.push(self.head_row(paper));
        branch.push(head);
        let mut body = Branch::new(Tag::TBody);
        let sums_height: f32 = self.sums.iter().map(|row| row.height).sum();
        for (place, row) in self.rows.iter().enumerate() {
            let is_last = place + 1 == self.rows.len();
            let needed = row.height + if is_last { sums_height } else { 0.0 };
            if paper.room() < needed {
                paper.need(needed);
                self.head_again(paper);
            }
            body.push(self.row(paper, row, FAINT, false));
        }
        if !body.twigs.is_empty() {
            branch.push(body);
        }
        let mut foot = Branch::new(Tag::TFoot);
        for (place, row) in self.sums.iter().enumerate() {
            foot.push(self.row(paper, row, RULE, place == 0));
        }
        if !foot.twigs.is_empty() {
            branch.push(foot);
        }
        branch
    }

    fn head_row(&self, paper: &mut Paper<'_>) -> Branch {
        let mut branch = Branch::new(Tag::TR);
        for (place, column) in self.table.columns.iter().enumerate() {
            let marks = self.cell(paper, &self.head, place);
            let leaf = paper.leaf();
            let shown = head_text(self.table, column);
            let role = match shown == column.head {
                true => PieceRole::Content(leaf),
                false => PieceRole::Short(leaf, column.head.clone()),
            };
            paper.draw(role, marks);
            branch.push(Branch::of(Tag::TH(TableHeaderScope::Column), [leaf]));
        }
        self.rule(paper, self.head.height, paper.accent(), 1.2);
        paper.y += self.head.height;
        branch
    }

    /// Draws the headings again on a further sheet, as decoration that is not read.
    fn head_again(&self, paper: &mut Paper<'_>) {
        for place in 0..self.table.columns.len() {
            let marks = self.cell(paper, &self.head, place);
            paper.draw(PieceRole::Decoration, marks);
        }
        self.rule(paper, self.head.height, paper.accent(), 1.2);
        paper.y += self.head.height;
    }

    fn row(&self, paper: &mut Paper<'_>, row: &TypesetRow, colour: [u8; 3], ruled: bool) -> Branch {
        if ruled {
            self.rule(paper, 0.0, colour, 1.2);
        }
        let mut branch = Branch::new(Tag::TR);
        for (place, column) in self.table.columns.iter().enumerate() {
            let marks = self.cell(paper, row, place);
            let leaf = paper.content(marks);
            branch.push(match place == 0 && column.text {
                true => Branch::of(Tag::TH(TableHeaderScope::Row), [leaf]),
                false => Branch::of(Tag::TD, [leaf]),
            });
        }
        self.rule(paper, row.height, colour, 0.5);
        paper.y += row.height;
        branch
    }

    fn rule(&self, paper: &mut Paper<'_>, below: f32, colour: [u8; 3], height: f32) {
        let y = paper.y + below - height / 2.0;
        paper.decorate(Mark::Box {
            x: paper.left(),
            y,
            width: self.widths.iter().sum(),
            height,
            colour,
        });
    }

    fn cell(&self, paper: &Paper<'_>, row: &TypesetRow, place: usize) -> Vec<Mark> {
        let left = paper.left() + self.widths[..place].iter().sum::<f32>();
        let lines = &row.cells[place];
        let is_text = self.table.columns[place].text;
        let mut y = paper.y + self.pad.1;
        if row.is_head {
            let missing = row.cells.iter().map(Vec::len).max().unwrap_or(0) - lines.len();
            let height = lines.first().map_or(0.0, |line| line.style.line_height());
            y += missing as f32 * height;
        }
        lines
            .iter()
            .map(|line| {
                let x = match is_text {
                    true => left + self.pad.0,
                    false => left + self.widths[place] - self.pad.0 - line.width,
                };
                let mark = Mark::Text {
                    x,
                    y: y + line.style.baseline(),
                    line: line.clone(),
                };
                y += line.style.line_height();
                mark
            })
            .collect()
    }
}

/// Widths that the columns of a table need at one font size.
struct Measured {
    size: f32,
    /// Widest word of each column, and in `most` its widest text.
    least: Vec<f32>,
    most: Vec<f32>,
}

impl Measured {
    fn pad(size: f32) -> (f32, f32) {
        (size * 0.32, size * 0.18)
    }

    fn style(size: f32, weight: Weight) -> Style {
        Style {
            weight,
            size,
            leading: 1.25,
            colour: INK,
        }
    }

    fn new(fonts: &Fonts, table: &Table, language: Language, size: f32) -> Self {
        let [regular, semibold] =
            [Weight::Regular, Weight::Semibold].map(|weight| Self::style(size, weight));
        let beside = 2.0 * Self::pad(size).0;
        let columns = table.columns.iter().enumerate();
        let widths = columns.map(|(place, column)| {
            let head = head_text(table, column);
            let least = fonts.widest_word(head, semibold);
            // A long heading takes two lines instead of a wide column.
            let mut both = (least, least.max(fonts.width(head, semibold) * 0.55));
            let rows = table.rows.iter().map(|row| (row, regular));
            for (row, style) in rows.chain(table.sums.iter().map(|row| (row, semibold))) {
                let text = row[place].show(language);
                let width = fonts.width(&text, style);
                // Names of a matrix are broken within a word before its figures are made smaller.
                let word = match row[place].text() {
                    Some(_) => fonts.widest_word(&text, style),
                    None => width,
                };
                both = (both.0.max(word), both.1.max(width));
            }
            (both.0 + beside, both.1.max(both.0) + beside)
        });
        let (least, most) = widths.unzip();
        Self { size, least, most }
    }

    /// Returns the column widths on a sheet of this width.
    fn widths(&self, width: f32) -> Vec<f32> {
        let [least, most] = [&self.least, &self.most].map(|all| all.iter().sum::<f32>());
        let columns = self.least.iter().zip(&self.most);
        if most <= width {
            return columns.map(|(_, most_of)| most_of * width / most).collect();
        }
        if least > width {
            return columns
                .map(|(least_of, _)| least_of * width / least)
                .collect();
        }
        let part = (width - least) / (most - least);
        let widths = columns.map(|(least, most)| least + (most - least) * part);
        widths.collect()
    }

    fn grid<'t>(
        self,
        fonts: &Fonts,
        table: &'t Table,
        language: Language,
        width: f32,
    ) -> TypesetTable<'t> {
        let widths = self.widths(width);
        let pad = Self::pad(self.size);
        let [regular, semibold] =
            [Weight::Regular, Weight::Semibold].map(|weight| Self::style(self.size, weight));
        let heads = table.columns.iter();
        let heads = heads.map(|column| head_text(table, column).to_owned());
        let [rows, sums] =
            [(&table.rows, regular), (&table.sums, semibold)].map(|(rows, style)| {
                rows.iter()
                    .map(|row| row.iter().map(|cell| cell.show(language)))
                    .map(|texts| self.row(fonts, texts, style, &widths, false))
                    .collect()
            });
        TypesetTable {
            caption: fonts.wrap(&table.caption, caption_style(), width),
            head: self.row(fonts, heads, semibold, &widths, true),
            rows,
            sums,
            table,
            widths,
            pad,
        }
    }

    fn row(
        &self,
        fonts: &Fonts,
        texts: impl Iterator<Item = String>,
        style: Style,
        widths: &[f32],
        is_head: bool,
    ) -> TypesetRow {
        let pad = Self::pad(self.size);
        let cells: Vec<Vec<StyledLine>> = texts
            .zip(widths)
            // A repeated measurement may differ in its last digit.
            .map(|(text, width)| fonts.wrap(&text, style, width - 2.0 * pad.0 + 0.01))
            .collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
        let height = lines as f32 * style.line_height() + 2.0 * pad.1;
        TypesetRow {
            cells,
            height,
            is_head,
        }
    }
}
