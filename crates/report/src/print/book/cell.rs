//! Cells of a workbook.

use affluenza_words::Language;

use crate::document::Cell;

/// A cell.
#[derive(Clone)]
pub(in crate::print) struct BookCell {
    pub value: BookValue,
    pub role: CellRole,
    /// True for figures, and texts in their place.
    pub right: bool,
    /// Number of columns that the cell covers.
    pub across: usize,
}

#[derive(Clone)]
pub(in crate::print) enum BookValue {
    Empty,
    Text(String),
    /// A link to the sheet of this name.
    Link(String),
    Number(f64, NumberForm),
    /// Sum of the cells of the column in these rows, first and last.
    Sum([usize; 2], f64, NumberForm),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::print) enum CellRole {
    Title,
    Caption,
    Head,
    Body,
    Total,
}

/// Form of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::print) struct NumberForm {
    pub decimals: usize,
    pub is_grouped: bool,
    /// The value is a fraction, and shown as a percentage.
    pub is_percent: bool,
    pub has_plus: bool,
    pub has_dash_for_zero: bool,
    /// Text after the number.
    pub unit: String,
}

impl BookCell {
    pub fn new(value: BookValue, role: CellRole) -> Self {
        Self {
            value,
            role,
            right: false,
            across: 1,
        }
    }

    pub fn text(text: &str, role: CellRole) -> Self {
        Self::new(BookValue::Text(text.to_owned()), role)
    }

    pub fn of(cell: &Cell, role: CellRole, language: Language) -> Self {
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
    pub fn lines(&self, width: usize) -> usize {
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

/// Returns the number of decimals of a number with a decimal point.
fn decimals(digits: &str) -> usize {
    digits.split_once('.').map_or(0, |(_, after)| after.len())
}

/// Largest number of decimals of a percentage.
const PERCENT_DECIMALS_MAX: usize = 4;

/// Returns the least number of decimals that tell a percentage from 0 and from 100.
fn percent_decimals(percent: f64) -> usize {
    let size = percent.abs();
    let mut places = 0..PERCENT_DECIMALS_MAX;
    let found = places.find(|places| {
        let shown: f64 = format!("{size:.places$}").parse().unwrap_or(size);
        (shown > 0.0 || size == 0.0) && (shown < 100.0 || size >= 100.0)
    });
    found.unwrap_or(PERCENT_DECIMALS_MAX)
}

impl NumberForm {
    pub fn of(cell: &Cell, language: Language) -> Self {
        let grouped = Self {
            is_grouped: true,
            ..Self::default()
        };
        let percent = Self {
            decimals: cell.number().map_or(0, percent_decimals),
            is_percent: true,
            ..Self::default()
        };
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
                let unit = shown.find(|letter: char| letter.is_alphabetic() || letter == '%');
                let unit = unit.map_or("", |from| &shown[from..]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_whole_unless_it_would_be_shown_as_nothing_or_all() {
        for (percent, decimals) in [
            (0.0, 0),
            (0.4, 1),
            (0.003, 3),
            (-49.1, 0),
            (99.4, 0),
            (-99.5, 1),
            (-99.97, 2),
            (-99.999_999, 4),
            (-100.0, 0),
            (100.4, 0),
        ] {
            let form = NumberForm::of(&Cell::Change(percent), Language::IT);
            assert_eq!(form.decimals, decimals, "{percent}");
            assert_eq!(
                NumberForm::of(&Cell::Share(percent), Language::IT).decimals,
                decimals
            );
        }
    }
}
