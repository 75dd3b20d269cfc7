//! Checks the table by ente against the table by category, and names the cell that disagrees.

use std::collections::BTreeMap;

use affluenza_event::Kind;

use super::{BY_CATEGORY, YearTables};
use crate::error::FiguresError;

pub(crate) fn by_ente(year: i16, name: &str, tables: &YearTables) -> Result<(), FiguresError> {
    let mut lines = BTreeMap::new();
    let mut sums: BTreeMap<(Option<&str>, Kind), u64> = BTreeMap::new();
    for row in &tables.by_ente {
        let kind = row.kind;
        match &row.category {
            None if kind != Kind::Booking => {
                let cause = format!("{kind} uses without a category");
                let remedy = "fill the category in: only bookings may go without";
                return Err(row.error(cause, remedy));
            }
            Some(category) if !tables.categories.iter().any(|it| it.category == *category) => {
                let cause = format!("category {category:?} is not in {BY_CATEGORY} of {year}");
                return Err(row.error(cause, "add it there, or correct it here"));
            }
            _ => {}
        }
        if let Some(line) = lines.insert((&row.ente, &row.category, kind), row.line) {
            let cause = format!("the same ente, category and kind are on line {line}");
            return Err(row.error(cause, "add the two lines up or remove one"));
        }
        let sum = sums.entry((row.category.as_deref(), kind)).or_default();
        *sum = sum.saturating_add(row.uses);
    }
    let sum = |category, kind| sums.get(&(category, kind)).copied().unwrap_or(0);
    let remedy = "correct one of the two files";
    // Room for bookings without a category.
    let mut room = 0;
    for row in &tables.categories {
        let [plain, payments, bookings] = [Kind::Plain, Kind::Payment, Kind::Booking]
            .map(|kind| sum(Some(row.category.as_str()), kind));
        let all = plain.saturating_add(payments).saturating_add(bookings);
        let left = row.uses.saturating_sub(all);
        room += left;
        let (what, here, there) = match (row.payments, row.bookings) {
            (Some(printed), _) if printed != payments => ("payments", payments, printed),
            _ if all > row.uses => ("uses", all, row.uses),
            (_, Some(printed)) if printed < bookings => ("bookings", bookings, printed),
            (_, Some(printed)) if printed - bookings != left => {
                let rest = row.uses.saturating_sub(payments + printed);
                ("plain uses", plain, rest)
            }
            _ => continue,
        };
        let (category, line) = (&row.category, row.line);
        let cause = format!(
            "the {what} of {category:?} add up to {here}, but {BY_CATEGORY}, line {line}, says {there}"
        );
        return Err(FiguresError::new(name, None, cause, remedy));
    }
    let without_category = sum(None, Kind::Booking);
    if room != without_category {
        let cause = format!(
            "the bookings without a category add up to {without_category}, but {BY_CATEGORY} of {year} leaves {room} for them"
        );
        return Err(FiguresError::new(name, None, cause, remedy));
    }
    Ok(())
}
