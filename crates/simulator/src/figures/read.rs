//! Reads the files and checks each of them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

use super::check;
use super::csv_file::{FigureRow, rows};
use super::{AccessFigures, BY_CATEGORY, BandFigures, CategoryFigures, TargetFigures, YearTables};
use crate::COUNT_MAX;
use crate::error::FiguresError;

/// Returns the text of a file by its name; `None` if it does not exist.
type Open<'o> = &'o dyn Fn(&str) -> Result<Option<String>, FiguresError>;

pub(crate) fn read(year: i16, open: Open<'_>) -> Result<TargetFigures, FiguresError> {
    let name = BY_CATEGORY;
    let Some(text) = open(name)? else {
        let remedy = "write one with the columns year, category, service_uses, of_which_payments, of_which_bookings";
        return Err(FiguresError::new(name, None, "the file is missing", remedy));
    };
    let mut years = read_categories(name, &text)?;
    if !years.contains_key(&year) {
        let known: Vec<_> = years.keys().map(i16::to_string).collect();
        let known = known.join(", ");
        let cause = format!("it has no line of {year}");
        let remedy =
            format!("add the categories of that year, or choose one of those it has ({known})");
        return Err(FiguresError::new(name, None, cause, remedy));
    }
    for (of, tables) in &mut years {
        let name = format!("usage_{of}_by_ente.csv");
        if let Some(text) = open(&name)? {
            tables.by_ente = rows(&name, &text, &["ente", "kind", "service_uses"])?;
            check::by_ente(*of, &name, tables)?;
        }
        let name = format!("main_variations_{of}.csv");
        if let Some(text) = open(&name)? {
            tables.variations = rows(&name, &text, &["category", "service_it"])?;
        }
    }
    let name = format!("access_{year}.csv");
    let access = match open(&name)? {
        Some(text) => Some(read_access(&name, &text)?),
        None => None,
    };
    Ok(TargetFigures {
        year,
        years,
        access,
    })
}

fn read_categories(name: &str, text: &str) -> Result<BTreeMap<i16, YearTables>, FiguresError> {
    let mut years: BTreeMap<i16, YearTables> = BTreeMap::new();
    for row in rows::<CategoryFigures>(name, text, &["year", "category", "service_uses"])? {
        let (year, category, uses) = (row.year, &row.category, row.uses);
        if !(1900..=2200).contains(&year) {
            return Err(row.error(format!("year is {year}"), "write a year such as 2017"));
        }
        let categories = &mut years.entry(year).or_default().categories;
        if categories.iter().any(|it| it.category == *category) {
            let cause = format!("category {category:?} of {year} is there twice");
            return Err(row.error(cause, "add the two lines up or remove one"));
        }
        let [payments, bookings] = [row.payments, row.bookings].map(Option::unwrap_or_default);
        if payments.saturating_add(bookings) > uses {
            let cause = format!("payments and bookings of {category:?} exceed its {uses} uses");
            let remedy = "correct one of the three: payments and bookings are parts of the uses";
            return Err(row.error(cause, remedy));
        }
        let total: u64 = categories.iter().map(|row| row.uses).sum();
        if total.saturating_add(uses) > COUNT_MAX {
            let cause = format!("the uses of {year} add up to more than {COUNT_MAX}");
            return Err(row.error(cause, "correct the number"));
        }
        categories.push(row);
    }
    Ok(years)
}

#[derive(Deserialize)]
struct MeasureRow {
    measure: String,
    value: f64,
}

fn read_access(name: &str, text: &str) -> Result<AccessFigures, FiguresError> {
    let measures: Vec<FigureRow<MeasureRow>> = rows(name, text, &["measure", "value"])?;
    let mut bands = Vec::new();
    for row in &measures {
        let (measure, value) = (row.measure.as_str(), row.value);
        if !(0.0..=1e12).contains(&value) {
            return Err(row.error(format!("value is {value}"), "write a number from 0 up"));
        }
        if let Some(hours) = row.band() {
            let mean_users = value;
            bands.push(BandFigures { hours, mean_users });
        } else if !matches!(measure, DESKTOP | MOBILE) && row.share().is_none() {
            return Err(row.error(
                format!("measure {measure:?} is not known"),
                "write desktop_share_percent, smartphone_and_tablet_share_percent, mean_users_per_hour_HH_HH or accesses_HH_to_HH_share_percent",
            ));
        }
    }
    bands.sort_by_key(|band| band.hours.start);
    let hours: Vec<u8> = bands.iter().flat_map(|band| band.hours.clone()).collect();
    if !hours.iter().copied().eq(0..24) {
        let cause =
            "the bands of mean_users_per_hour_HH_HH do not cover the day from 00 to 24 once";
        let remedy = "let each begin where the previous one ends";
        return Err(FiguresError::new(name, None, cause, remedy));
    }
    for row in &measures {
        let Some(hours) = row.share() else { continue };
        let (value, found) = (row.value, percent(&bands, &hours).unwrap_or(row.value));
        if (found - value).abs() > 0.5 {
            let Range { start, end } = hours;
            let cause = format!(
                "{value}% of the accesses between {start:02} and {end:02}, but the bands give {found:.1}%"
            );
            return Err(row.error(cause, "correct the share or the bands"));
        }
    }
    Ok(AccessFigures {
        desktop_percent: desktop_percent(name, &measures)?,
        bands,
    })
}

const DESKTOP: &str = "desktop_share_percent";
const MOBILE: &str = "smartphone_and_tablet_share_percent";

impl MeasureRow {
    /// Returns the hours of the day whose mean users it gives.
    fn band(&self) -> Option<Range<u8>> {
        hours(self.measure.strip_prefix("mean_users_per_hour_")?, "_")
    }

    /// Returns the hours of the day whose share of accesses it gives; they may span midnight.
    fn share(&self) -> Option<Range<u8>> {
        let hours_in = self.measure.strip_prefix("accesses_")?;
        hours(hours_in.strip_suffix("_share_percent")?, "_to_")
    }
}

fn hours(text: &str, between: &str) -> Option<Range<u8>> {
    let (from, to) = text.split_once(between)?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= 24 && to <= 24).then_some(from..to)
}

/// Percentage of users between two hours, which may span midnight; `None` without users.
fn percent(bands: &[BandFigures], Range { start, end }: &Range<u8>) -> Option<f64> {
    let (mut within, mut all) = (0.0, 0.0);
    for band in bands {
        for hour in band.hours.clone() {
            let is_within = match start <= end {
                true => (*start..*end).contains(&hour),
                false => !(*end..*start).contains(&hour),
            };
            all += band.mean_users;
            within += if is_within { band.mean_users } else { 0.0 };
        }
    }
    (all > 0.0).then(|| 100.0 * within / all)
}

fn desktop_percent(name: &str, measures: &[FigureRow<MeasureRow>]) -> Result<f64, FiguresError> {
    let [desktop, mobile] =
        [DESKTOP, MOBILE].map(|measure| measures.iter().rfind(|row| row.measure == measure));
    let mut shares = desktop.iter().chain(&mobile);
    if let Some(row) = shares.find(|row| row.value > 100.0) {
        return Err(row.error(format!("a share of {}%", row.value), "write at most 100"));
    }
    match (desktop, mobile) {
        (Some(desktop), Some(mobile)) if (desktop.value + mobile.value - 100.0).abs() > 1e-6 => {
            let (of_desktops, others) = (desktop.value, mobile.value);
            let cause =
                format!("desktops have {of_desktops}% and smartphones and tablets {others}%");
            Err(desktop.error(cause, "make them add up to 100"))
        }
        (Some(desktop), _) => Ok(desktop.value),
        (None, Some(mobile)) => Ok(100.0 - mobile.value),
        (None, None) => {
            let cause = format!("{DESKTOP} is missing");
            Err(FiguresError::new(name, None, cause, "add it"))
        }
    }
}
