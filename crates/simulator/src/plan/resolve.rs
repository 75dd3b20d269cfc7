//! Figures with the enti, services and categories of the register.

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::Register;

use super::offers::Offers;
use crate::apportion::apportion_whole;
use crate::error::FiguresError;
use crate::figures::{CategoryFigures, TargetFigures, VariationStatus, YearTables, file};

/// Figures of a year by indexes of the register.
pub(crate) struct ResolvedYear {
    /// Printed totals by category.
    pub categories: BTreeMap<usize, CategoryFigures>,
    /// Uses by category, ente and kind; `None` without a table by ente.
    pub by_ente: Option<EnteUses>,
    /// Printed changes since the previous year, by category and service.
    pub changes: BTreeMap<(usize, usize), ServiceChange>,
}

/// Uses by category, ente and kind.
pub(crate) type EnteUses = BTreeMap<(usize, usize, Kind), u64>;

/// Change of a service since the previous year.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceChange {
    /// Change in uses; `None` if the source is illegible.
    pub change: Option<i64>,
    pub status: VariationStatus,
}

/// Resolves all years. The error names the first code that the register does not have.
pub(crate) fn years(
    figures: &TargetFigures,
    register: &Register,
) -> Result<BTreeMap<i16, ResolvedYear>, FiguresError> {
    let mut years = BTreeMap::new();
    for (year, tables) in &figures.years {
        years.insert(*year, resolve(*year, tables, register)?);
    }
    Ok(years)
}

fn resolve(
    year: i16,
    tables: &YearTables,
    register: &Register,
) -> Result<ResolvedYear, FiguresError> {
    let mut categories = BTreeMap::new();
    for row in &tables.categories {
        let category = category(register, file::BY_CATEGORY, row.line, &row.category)?;
        categories.insert(category, row.clone());
    }
    let name = file::variations(year);
    let mut changes = BTreeMap::new();
    for row in &tables.variations {
        let service = register.service(&row.service).ok_or_else(|| {
            let cause = format!("service {:?} is not in the register", row.service);
            let mend = "add it or an alias for it to the register, or remove the line";
            FiguresError::new(&name, Some(row.line), cause, mend)
        })?;
        let category = category(register, &name, row.line, &row.category)?;
        let change = ServiceChange {
            change: row.change,
            status: row.status,
        };
        changes.insert((category, service.index()), change);
    }
    let by_ente = match tables.by_ente.is_empty() {
        true => None,
        false => Some(by_ente(year, tables, &categories, register)?),
    };
    Ok(ResolvedYear {
        categories,
        by_ente,
        changes,
    })
}

fn category(register: &Register, name: &str, line: u64, code: &str) -> Result<usize, FiguresError> {
    let category = register.category(code).ok_or_else(|| {
        let cause = format!("category {code:?} is not in the register");
        let mend = "add a [[category]] with this code to the register, or correct it here";
        FiguresError::new(name, Some(line), cause, mend)
    })?;
    Ok(category.index())
}

/// Reads the table by ente. Bookings without a category get one.
fn by_ente(
    year: i16,
    tables: &YearTables,
    categories: &BTreeMap<usize, CategoryFigures>,
    register: &Register,
) -> Result<EnteUses, FiguresError> {
    let name = file::by_ente(year);
    let mut uses = EnteUses::new();
    let mut bookings: BTreeMap<usize, u64> = BTreeMap::new();
    let mut room: BTreeMap<usize, u64> = categories
        .iter()
        .map(|(category, row)| (*category, row.uses))
        .collect();
    for row in &tables.by_ente {
        let ente = register.ente(&row.ente).ok_or_else(|| {
            let cause = format!("ente {:?} is not in the register", row.ente);
            let mend = "add it or an alias for it to the register, or correct it here";
            FiguresError::new(&name, Some(row.line), cause, mend)
        })?;
        let Some(code) = &row.category else {
            *bookings.entry(ente.index()).or_default() += row.uses;
            continue;
        };
        let category = category(register, &name, row.line, code)?;
        let left = room.entry(category).or_default();
        *left = left.saturating_sub(row.uses);
        *uses.entry((category, ente.index(), row.kind)).or_default() += row.uses;
    }
    assign_bookings(year, bookings, room, register, &mut uses);
    Ok(uses)
}

/// Degree to which an ente may have bookings in a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bookable {
    OffersNothing,
    OffersService,
    OffersBooking,
}

/// Assigns bookings by ente to the categories that have room for them.
///
/// An ente uses the categories where it offers bookings first. Enti with the fewest such categories
/// choose first, because the others can use what is left. An ente divides its bookings in
/// proportion to the room. Bookings that fit nowhere go to other categories, so both the sums by
/// ente and those by category are exact, because they have the same total.
fn assign_bookings(
    year: i16,
    mut bookings: BTreeMap<usize, u64>,
    mut room: BTreeMap<usize, u64>,
    register: &Register,
    uses: &mut EnteUses,
) {
    room.retain(|_, room| *room > 0);
    let mut offers: BTreeMap<(usize, usize), Bookable> = BTreeMap::new();
    for category in room.keys() {
        let of_category = Offers::new(register, *category, year);
        for ente in bookings.keys() {
            let offered = of_category.of(*ente).map(|(_, it)| match it.nature {
                Kind::Booking => Bookable::OffersBooking,
                Kind::Plain | Kind::Payment => Bookable::OffersService,
            });
            let best = offered.max().unwrap_or(Bookable::OffersNothing);
            offers.insert((*ente, *category), best);
        }
    }
    for least in [
        Bookable::OffersBooking,
        Bookable::OffersService,
        Bookable::OffersNothing,
    ] {
        let mut choices: Vec<(usize, Vec<usize>)> = bookings
            .keys()
            .map(|ente| {
                let categories = room.keys().copied();
                let choice = categories.filter(|category| offers[&(*ente, *category)] >= least);
                (*ente, choice.collect())
            })
            .collect();
        choices.sort_by_key(|(_, categories)| categories.len());
        for (ente, categories) in choices {
            let left = bookings.entry(ente).or_default();
            let rooms: Vec<u64> = categories.iter().map(|category| room[category]).collect();
            let count = (*left).min(rooms.iter().sum());
            *left -= count;
            for (category, part) in categories.into_iter().zip(apportion_whole(count, &rooms)) {
                *room.entry(category).or_default() -= part;
                *uses.entry((category, ente, Kind::Booking)).or_default() += part;
            }
        }
    }
}
