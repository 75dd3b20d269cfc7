//! Checks the figures for contradictions and names the cell.

use std::collections::BTreeMap;
use std::ops::Range;

use affluenza_event::Kind;

use super::{BandFigures, CategoryFigures, YearTables, file};
use crate::COUNT_MAX;
use crate::error::FiguresError;

/// Checks the tables of one year against each other.
pub(crate) fn usage(year: i16, tables: &YearTables) -> Result<(), FiguresError> {
    let mut total: u64 = 0;
    for row in &tables.categories {
        let (payments, bookings) = (row.payments.unwrap_or(0), row.bookings.unwrap_or(0));
        if payments.saturating_add(bookings) > row.uses {
            return Err(FiguresError::new(
                file::BY_CATEGORY,
                Some(row.line),
                format!(
                    "payments and bookings of {:?} exceed its {} uses",
                    row.category, row.uses
                ),
                "correct one of the three: payments and bookings are parts of the uses",
            ));
        }
        total = total.saturating_add(row.uses);
        if total > COUNT_MAX {
            return Err(FiguresError::new(
                file::BY_CATEGORY,
                Some(row.line),
                format!("the uses of {year} add up to more than {COUNT_MAX}"),
                "correct the number",
            ));
        }
    }
    if tables.by_ente.is_empty() {
        return Ok(());
    }
    by_ente(year, tables)
}

/// Checks the table by ente against the table by category.
fn by_ente(year: i16, tables: &YearTables) -> Result<(), FiguresError> {
    let name = file::by_ente(year);
    let mut sums: BTreeMap<(&str, Kind), u64> = BTreeMap::new();
    let mut without_category: u64 = 0;
    for row in &tables.by_ente {
        let sum = match &row.category {
            None => &mut without_category,
            Some(category) if tables.categories.iter().any(|it| it.category == *category) => {
                sums.entry((category, row.kind)).or_default()
            }
            Some(category) => {
                return Err(FiguresError::new(
                    &name,
                    Some(row.line),
                    format!(
                        "category {category:?} is not in {} of {year}",
                        file::BY_CATEGORY
                    ),
                    "add it there, or correct it here",
                ));
            }
        };
        *sum = sum.saturating_add(row.uses);
    }
    let mut room = 0;
    for row in &tables.categories {
        room += room_for_bookings(&name, row, &sums)?;
    }
    if room != without_category {
        return Err(FiguresError::new(
            &name,
            None,
            format!(
                "the bookings without a category add up to {without_category}, but {} of {year} leaves {room} for them",
                file::BY_CATEGORY
            ),
            "correct one of the two files",
        ));
    }
    Ok(())
}

/// Returns the number of a category's bookings that the table by ente, with the sums `sums`, does
/// not assign to it.
fn room_for_bookings(
    name: &str,
    row: &CategoryFigures,
    sums: &BTreeMap<(&str, Kind), u64>,
) -> Result<u64, FiguresError> {
    let [plain, payments, bookings] = [Kind::Plain, Kind::Payment, Kind::Booking]
        .map(|kind| sums.get(&(&*row.category, kind)).copied().unwrap_or(0));
    let all = plain.saturating_add(payments).saturating_add(bookings);
    let room = row.uses.saturating_sub(all);
    let (what, here, there) = match (row.payments, row.bookings) {
        (Some(printed), _) if printed != payments => ("payments", payments, printed),
        _ if all > row.uses => ("uses", all, row.uses),
        (_, Some(printed)) if printed < bookings => ("bookings", bookings, printed),
        (_, Some(printed)) if printed - bookings != room => {
            let rest = row.uses.saturating_sub(payments + printed);
            ("plain uses", plain, rest)
        }
        _ => return Ok(room),
    };
    Err(FiguresError::new(
        name,
        None,
        format!(
            "the {what} of {:?} add up to {here}, but {}, line {}, says {there}",
            row.category,
            file::BY_CATEGORY,
            row.line
        ),
        "correct one of the two files",
    ))
}

/// A printed percentage of users or accesses.
pub(crate) struct Percentage {
    pub line: u64,
    /// Hours of the day to which the percentage applies; they may span midnight.
    pub hours: Range<u8>,
    pub value: f64,
}

/// Checks that the bands, sorted by hour, cover the day and agree with the shares of accesses.
pub(crate) fn bands(
    name: &str,
    bands: &[BandFigures],
    shares: &[Percentage],
) -> Result<(), FiguresError> {
    let mut covered = 0;
    for band in bands {
        if band.from_hour != covered || band.to_hour <= covered {
            break;
        }
        covered = band.to_hour;
    }
    let is_last = bands.last().is_some_and(|band| band.to_hour == covered);
    if covered != 24 || !is_last {
        return Err(FiguresError::new(
            name,
            None,
            "the bands of mean_users_per_hour_HH_HH do not cover the day from 00 to 24 once",
            "let each begin where the previous one ends",
        ));
    }
    for share in shares {
        let found = percent(bands, share);
        if (found - share.value).abs() > 0.5 {
            return Err(FiguresError::new(
                name,
                Some(share.line),
                format!(
                    "{}% of the accesses between {:02} and {:02}, but the bands give {found:.1}%",
                    share.value, share.hours.start, share.hours.end
                ),
                "correct the share or the bands",
            ));
        }
    }
    Ok(())
}

/// Percentage of users in the hours of `share`, weighted by hours.
fn percent(bands: &[BandFigures], share: &Percentage) -> f64 {
    let Range { start, end } = share.hours;
    let (mut within, mut all) = (0.0, 0.0);
    for band in bands {
        for hour in band.from_hour..band.to_hour {
            let is_within = if start <= end {
                (start..end).contains(&hour)
            } else {
                hour >= start || hour < end
            };
            all += band.mean_users;
            within += if is_within { band.mean_users } else { 0.0 };
        }
    }
    if all > 0.0 {
        100.0 * within / all
    } else {
        share.value
    }
}

/// Returns the percentage of desktops.
pub(crate) fn desktop_percent(
    name: &str,
    desktop: Option<Percentage>,
    mobile: Option<Percentage>,
) -> Result<f64, FiguresError> {
    for share in desktop.iter().chain(&mobile) {
        if share.value > 100.0 {
            let cause = format!("a share of {}%", share.value);
            let mend = "write at most 100";
            return Err(FiguresError::new(name, Some(share.line), cause, mend));
        }
    }
    match (desktop, mobile) {
        (Some(desktop), Some(mobile)) if (desktop.value + mobile.value - 100.0).abs() > 1e-6 => {
            Err(FiguresError::new(
                name,
                Some(desktop.line),
                format!(
                    "desktops have {}% and smartphones and tablets {}%",
                    desktop.value, mobile.value
                ),
                "make them add up to 100",
            ))
        }
        (Some(desktop), _) => Ok(desktop.value),
        (None, Some(mobile)) => Ok(100.0 - mobile.value),
        (None, None) => Err(FiguresError::new(
            name,
            None,
            "desktop_share_percent is missing",
            "add it",
        )),
    }
}
