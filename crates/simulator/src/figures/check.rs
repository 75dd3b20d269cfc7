//! Checks the figures for contradictions and names the cell.

use std::collections::BTreeMap;

use affluenza_event::Kind;

use crate::COUNT_MAX;
use crate::error::FiguresError;

use super::{AccessFigures, BandFigures, CategoryFigures, YearTables, file};

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
    let mut loose: u64 = 0;
    for row in &tables.by_ente {
        let sum = match &row.category {
            None => &mut loose,
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
    if room != loose {
        return Err(FiguresError::new(
            &name,
            None,
            format!(
                "the bookings without a category add up to {loose}, but {} of {year} leaves {room} for them",
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

/// Share of accesses between two hours of the day. The bands determine it, so it is only checked.
pub(crate) struct Share {
    pub line: u64,
    pub from_hour: u8,
    pub to_hour: u8,
    pub percent: f64,
}

/// A value with its line.
type Given = Option<(u64, f64)>;

/// Checks the access figures and sorts the bands by time of day.
pub(crate) fn access(
    name: &str,
    desktop: Given,
    mobile: Given,
    mut bands: Vec<BandFigures>,
    shares: &[Share],
) -> Result<AccessFigures, FiguresError> {
    let desktop_percent = desktop_percent(name, desktop, mobile)?;
    bands.sort_by_key(|band| band.from_hour);
    let joined = bands
        .windows(2)
        .all(|pair| pair[0].to_hour == pair[1].from_hour);
    let whole = bands.first().is_some_and(|band| band.from_hour == 0)
        && bands.last().is_some_and(|band| band.to_hour == 24)
        && bands.iter().all(|band| band.from_hour < band.to_hour);
    if !(joined && whole) {
        return Err(FiguresError::new(
            name,
            None,
            "the bands of mean_users_per_hour_HH_HH do not cover the day from 00 to 24 once",
            "let each begin where the previous one ends",
        ));
    }
    for share in shares {
        let found = percent(&bands, share);
        if (found - share.percent).abs() > 0.5 {
            return Err(FiguresError::new(
                name,
                Some(share.line),
                format!(
                    "{}% of the accesses between {:02} and {:02}, but the bands give {found:.1}%",
                    share.percent, share.from_hour, share.to_hour
                ),
                "correct the share or the bands",
            ));
        }
    }
    Ok(AccessFigures {
        desktop_percent,
        bands,
    })
}

fn desktop_percent(name: &str, desktop: Given, mobile: Given) -> Result<f64, FiguresError> {
    let given = [desktop, mobile].into_iter().flatten();
    if let Some((line, share)) = given.clone().find(|(_, share)| *share > 100.0) {
        let cause = format!("a share of {share}%");
        return Err(FiguresError::new(
            name,
            Some(line),
            cause,
            "write at most 100",
        ));
    }
    match (desktop, mobile) {
        (Some((line, desktop)), Some((_, mobile))) if (desktop + mobile - 100.0).abs() > 1e-6 => {
            Err(FiguresError::new(
                name,
                Some(line),
                format!("desktops have {desktop}% and smartphones and tablets {mobile}%"),
                "make them add up to 100",
            ))
        }
        (Some((_, desktop)), _) => Ok(desktop),
        (None, Some((_, mobile))) => Ok(100.0 - mobile),
        (None, None) => Err(FiguresError::new(
            name,
            None,
            "desktop_share_percent is missing",
            "add it",
        )),
    }
}

/// Percentage of users between two hours, which may span midnight, weighted by hours.
fn percent(bands: &[BandFigures], share: &Share) -> f64 {
    let (mut within, mut all) = (0.0, 0.0);
    for hour in 0..24 {
        let users = bands
            .iter()
            .find(|band| (band.from_hour..band.to_hour).contains(&hour))
            .map_or(0.0, |band| band.mean_users);
        let inside = if share.from_hour <= share.to_hour {
            (share.from_hour..share.to_hour).contains(&hour)
        } else {
            hour >= share.from_hour || hour < share.to_hour
        };
        all += users;
        within += if inside { users } else { 0.0 };
    }
    if all > 0.0 {
        100.0 * within / all
    } else {
        share.percent
    }
}
