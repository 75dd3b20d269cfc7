//! Figures by the enti, services and categories of the register.

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::Register;

use super::offers::Offers;
use crate::apportion::apportion_whole;
use crate::error::FiguresError;
use crate::figures::{
    CategoryFigures, EnteFigures, FigureRow, TargetFigures, VariationFigures, YearTables,
};

/// Figures of a year by indexes of the register.
pub(crate) struct ResolvedYear {
    /// Printed totals by category.
    pub categories: BTreeMap<usize, CategoryFigures>,
    /// Uses by category, ente and kind; `None` without a table by ente.
    pub by_ente: Option<EnteUses>,
    /// Printed changes since the previous year, by category and service.
    pub changes: BTreeMap<(usize, usize), VariationFigures>,
}

/// Uses by category, ente and kind.
pub(crate) type EnteUses = BTreeMap<(usize, usize, Kind), u64>;

/// Resolves all years. The error names the first code that the register does not have.
pub(crate) fn years(
    figures: &TargetFigures,
    register: &Register,
) -> Result<BTreeMap<i16, ResolvedYear>, FiguresError> {
    let years = figures.years.iter();
    years
        .map(|(year, tables)| Ok((*year, resolve(*year, tables, register)?)))
        .collect()
}

fn resolve(
    year: i16,
    tables: &YearTables,
    register: &Register,
) -> Result<ResolvedYear, FiguresError> {
    let mut categories = BTreeMap::new();
    for row in &tables.categories {
        let category = category(register, row, &row.category)?;
        categories.insert(category, CategoryFigures::clone(row));
    }
    let mut changes = BTreeMap::new();
    for row in &tables.variations {
        let service = register.service(&row.service_it).ok_or_else(|| {
            let cause = format!("service {:?} is not in the register", row.service_it);
            row.error(
                cause,
                "add it or an alias for it to the register, or remove the line",
            )
        })?;
        let category = category(register, row, &row.category)?;
        changes.insert((category, service.index()), VariationFigures::clone(row));
    }
    let mut by_ente = None;
    if !tables.by_ente.is_empty() {
        let room = categories
            .iter()
            .map(|(category, row)| (*category, row.uses));
        by_ente = Some(resolve_enti(
            year,
            &tables.by_ente,
            room.collect(),
            register,
        )?);
    }
    Ok(ResolvedYear {
        categories,
        by_ente,
        changes,
    })
}

fn category<T>(register: &Register, row: &FigureRow<T>, code: &str) -> Result<usize, FiguresError> {
    let category = register.category(code).ok_or_else(|| {
        let cause = format!("category {code:?} is not in the register");
        let remedy = "add a [[category]] with this code to the register, or correct it here";
        row.error(cause, remedy)
    })?;
    Ok(category.index())
}

/// Reads the table by ente. Bookings without a category go to categories with room for them.
fn resolve_enti(
    year: i16,
    rows: &[FigureRow<EnteFigures>],
    mut room: BTreeMap<usize, u64>,
    register: &Register,
) -> Result<EnteUses, FiguresError> {
    let mut uses = EnteUses::new();
    let mut bookings: BTreeMap<usize, u64> = BTreeMap::new();
    for row in rows {
        let ente = register.ente(&row.ente).ok_or_else(|| {
            let cause = format!("ente {:?} is not in the register", row.ente);
            row.error(
                cause,
                "add it or an alias for it to the register, or correct it here",
            )
        })?;
        let Some(code) = &row.category else {
            *bookings.entry(ente.index()).or_default() += row.uses;
            continue;
        };
        let category = category(register, row, code)?;
        let left = room.entry(category).or_default();
        *left = left.saturating_sub(row.uses);
        *uses.entry((category, ente.index(), row.kind)).or_default() += row.uses;
    }
    room.retain(|_, room| *room > 0);
    assign_bookings(year, bookings, room, register, &mut uses);
    Ok(uses)
}

/// Condition for bookings of an ente in a category.
#[derive(Debug, Clone, Copy)]
enum Preference {
    OffersBooking,
    OffersService,
    Anything,
}

impl Preference {
    fn is_met(self, ente: usize, offers: &Offers) -> bool {
        let mut offered = offers.of(ente);
        match self {
            Self::OffersBooking => offered.any(|(_, it)| it.nature == Kind::Booking),
            Self::OffersService => offered.next().is_some(),
            Self::Anything => true,
        }
    }
}

/// Assigns bookings by ente to the categories that have room for them.
///
/// An ente books what it offers, as far as possible. It divides its bookings in proportion to the
/// room of the categories. Enti with the fewest possible categories choose first, because the
/// others can use what is left. Bookings and room have the same total, so every sum is exact.
fn assign_bookings(
    year: i16,
    mut bookings: BTreeMap<usize, u64>,
    mut room: BTreeMap<usize, u64>,
    register: &Register,
    uses: &mut EnteUses,
) {
    let offers: Vec<Offers> = room
        .keys()
        .map(|category| Offers::new(register, *category, year))
        .collect();
    for preference in [
        Preference::OffersBooking,
        Preference::OffersService,
        Preference::Anything,
    ] {
        let mut enti: Vec<usize> = bookings.keys().copied().collect();
        enti.sort_by_cached_key(|ente| {
            let offers = offers.iter();
            offers
                .filter(|offers| preference.is_met(*ente, offers))
                .count()
        });
        for ente in enti {
            let weights: Vec<u64> = room
                .values()
                .zip(&offers)
                .map(|(room, offers)| room * u64::from(preference.is_met(ente, offers)))
                .collect();
            let left = bookings.entry(ente).or_default();
            let count = (*left).min(weights.iter().sum());
            *left -= count;
            for ((category, room), part) in room.iter_mut().zip(apportion_whole(count, &weights)) {
                *room -= part;
                *uses.entry((*category, ente, Kind::Booking)).or_default() += part;
            }
        }
    }
}
