//! Uses by ente, category and kind.

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::Register;

use super::offers::Offers;
use crate::apportion::apportion_whole;
use crate::error::{FiguresError, SimulationError};
use crate::figures::{CategoryFigures, TargetFigures, YearTables, file};
use crate::table::{ColumnSum, FigureGrid, fill};

/// Uses in one category by ente and kind.
pub(crate) type Uses = BTreeMap<(usize, Kind), u64>;

/// Computes the uses of `year` in one category of the register. A table by ente is used as printed.
/// Without one, the printed total is distributed in the proportions of the nearest year with such a
/// table, else in those of the deployments.
pub(crate) fn uses(
    figures: &TargetFigures,
    register: &Register,
    year: i16,
    category: usize,
) -> Result<Uses, SimulationError> {
    let Some(tables) = figures.of(year) else {
        return Ok(Uses::new());
    };
    let Some(printed) = row_of(register, tables, category)? else {
        return Ok(Uses::new());
    };
    if !tables.by_ente.is_empty() {
        return by_ente(register, year, tables, category);
    }
    let mut proportions = match figures.nearest_by_ente(year) {
        Some(other) => uses(figures, register, other, category)?,
        None => Uses::new(),
    };
    if proportions.is_empty() {
        let offers = Offers::new(register, category, year);
        for ((ente, _), (nature, _)) in &offers.deployed {
            *proportions.entry((*ente, *nature)).or_default() += 1;
        }
    }
    if proportions.is_empty() && printed.uses > 0 {
        return Err(SimulationError::NoEnte {
            category: printed.category.clone(),
            uses: printed.uses,
            year,
        });
    }
    Ok(spread(printed, &proportions))
}

/// Returns the printed totals of a category, if any.
fn row_of<'t>(
    register: &Register,
    tables: &'t YearTables,
    category: usize,
) -> Result<Option<&'t CategoryFigures>, SimulationError> {
    let mut found = None;
    for row in &tables.categories {
        let known = register.category(&row.category).ok_or_else(|| {
            FiguresError::new(
                file::BY_CATEGORY,
                Some(row.line),
                format!("category {:?} is not in the register", row.category),
                "add a [[category]] with this code to the register, or correct it here",
            )
        })?;
        if known.index() == category {
            found = Some(row);
        }
    }
    Ok(found)
}

/// Distributes the total of some kinds in proportion to the uses of these kinds.
fn spread_kinds(total: u64, kinds: &[Kind], proportions: &Uses) -> Uses {
    let mut keys: Vec<(usize, Kind)> = Vec::new();
    let mut weights: Vec<u64> = Vec::new();
    for (key, weight) in proportions {
        if kinds.contains(&key.1) {
            keys.push(*key);
            weights.push(*weight);
        }
    }
    if keys.is_empty() {
        // Without uses of this kind, all uses serve as proportions.
        for ((ente, _), weight) in proportions {
            keys.push((*ente, kinds[0]));
            weights.push(*weight);
        }
    }
    let mut uses = Uses::new();
    for (key, part) in keys.into_iter().zip(apportion_whole(total, &weights)) {
        *uses.entry(key).or_default() += part;
    }
    uses
}

/// Distributes a category's total, for each kind separately if kinds are printed.
fn spread(printed: &CategoryFigures, proportions: &Uses) -> Uses {
    let mut uses = match (printed.payments, printed.bookings) {
        (None, None) => spread_kinds(
            printed.uses,
            &[Kind::Plain, Kind::Payment, Kind::Booking],
            proportions,
        ),
        (payments, bookings) => {
            let (payments, bookings) = (payments.unwrap_or(0), bookings.unwrap_or(0));
            let plain = printed.uses - payments - bookings;
            let mut uses = spread_kinds(plain, &[Kind::Plain], proportions);
            uses.extend(spread_kinds(payments, &[Kind::Payment], proportions));
            uses.extend(spread_kinds(bookings, &[Kind::Booking], proportions));
            uses
        }
    };
    uses.retain(|_, count| *count > 0);
    uses
}

/// Reads the printed table by ente, and assigns bookings without a category to one.
fn by_ente(
    register: &Register,
    year: i16,
    tables: &YearTables,
    category: usize,
) -> Result<Uses, SimulationError> {
    let name = file::by_ente(year);
    let mut uses = Uses::new();
    let mut loose: BTreeMap<usize, u64> = BTreeMap::new();
    let mut room: Vec<u64> = vec![0; register.categories().len()];
    for row in &tables.categories {
        if let Some(known) = register.category(&row.category) {
            room[known.index()] = row.uses;
        }
    }
    for row in &tables.by_ente {
        let ente = register.ente(&row.ente).ok_or_else(|| {
            let mend = "add it or an alias for it to the register, or correct it here";
            let cause = format!("ente {:?} is not in the register", row.ente);
            FiguresError::new(&name, Some(row.line), cause, mend)
        })?;
        let Some(code) = &row.category else {
            *loose.entry(ente.index()).or_default() += row.uses;
            continue;
        };
        let of = register.category(code).ok_or_else(|| {
            let mend = "add a [[category]] with this code to the register, or correct it here";
            let cause = format!("category {code:?} is not in the register");
            FiguresError::new(&name, Some(row.line), cause, mend)
        })?;
        room[of.index()] = room[of.index()].saturating_sub(row.uses);
        if of.index() == category {
            *uses.entry((ente.index(), row.kind)).or_default() += row.uses;
        }
    }
    for (ente, bookings) in loose_bookings(register, year, &loose, &room, category)? {
        *uses.entry((ente, Kind::Booking)).or_default() += bookings;
    }
    uses.retain(|_, count| *count > 0);
    Ok(uses)
}

/// Weight of a booking at an ente in a category where the ente offers a booking service, where it
/// offers another service, and where it offers none.
const BOOKABLE: f64 = 1.0;
const OFFERED: f64 = 1e-3;
const ANYTHING: f64 = 1e-6;

/// Selects the bookings without a category that belong to `category`. The printed sums by ente and
/// by category are met, and enti book what they offer as far as possible.
fn loose_bookings(
    register: &Register,
    year: i16,
    by_ente: &BTreeMap<usize, u64>,
    by_category: &[u64],
    category: usize,
) -> Result<Vec<(usize, u64)>, SimulationError> {
    if by_ente.is_empty() || by_category[category] == 0 {
        return Ok(Vec::new());
    }
    let enti: Vec<usize> = by_ente.keys().copied().collect();
    let rows: Vec<u64> = by_ente.values().copied().collect();
    let columns: Vec<_> = by_category
        .iter()
        .map(|sum| ColumnSum::Exactly(*sum))
        .collect();
    let mut offered: FigureGrid<f64> = FigureGrid::new(enti.len(), by_category.len());
    for column in 0..by_category.len() {
        let offers = Offers::new(register, column, year);
        for ((ente, _), (nature, _)) in &offers.deployed {
            if let Ok(row) = enti.binary_search(ente) {
                let booking = *nature == Kind::Booking;
                *offered.at_mut(row, column) += if booking { BOOKABLE } else { OFFERED };
            }
        }
    }
    // Tries bookable services first, then all offered services, then any category.
    let mut failed = 0;
    for (least, otherwise) in [(BOOKABLE, 0.0), (OFFERED, 0.0), (ANYTHING, ANYTHING)] {
        let mut prior = offered.clone();
        for row in 0..enti.len() {
            for (column, bookings) in by_category.iter().enumerate() {
                let cell = prior.at_mut(row, column);
                let weight = if *cell < least { otherwise } else { *cell };
                // Large categories have more bookings.
                *cell = weight * *bookings as f64;
            }
        }
        match fill(&prior, &rows, &columns) {
            Ok(table) => {
                return Ok(enti.into_iter().zip(table.column(category)).collect());
            }
            Err(row) => failed = row,
        }
    }
    let ente = register
        .enti()
        .nth(enti[failed])
        .map_or("", |ente| ente.code());
    Err(FiguresError::new(
        &file::by_ente(year),
        None,
        format!("the bookings without a category of {ente:?} fit into no category"),
        "check the bookings by category and by ente, or give their category",
    )
    .into())
}
