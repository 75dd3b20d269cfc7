//! Printed figures that a stream must reproduce.

mod check;
mod csv_file;
mod read;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use affluenza_event::Kind;
use serde::Deserialize;

use crate::error::FiguresError;
pub(crate) use csv_file::FigureRow;

/// Figures of one year, and of neighbouring years if available. A year with totals only borrows the
/// proportions of a neighbour.
#[derive(Debug, Clone)]
pub struct TargetFigures {
    pub(crate) year: i16,
    pub(crate) years: BTreeMap<i16, YearTables>,
    pub(crate) access: Option<AccessFigures>,
}

/// Tables of one year.
#[derive(Debug, Clone, Default)]
pub(crate) struct YearTables {
    pub categories: Vec<FigureRow<CategoryFigures>>,
    /// Uses by ente; empty without such a table.
    pub by_ente: Vec<FigureRow<EnteFigures>>,
    /// Largest changes by service since the previous year.
    pub variations: Vec<FigureRow<VariationFigures>>,
}

/// A row of `usage_by_category.csv`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CategoryFigures {
    pub year: i16,
    pub category: String,
    #[serde(rename = "service_uses")]
    pub uses: u64,
    #[serde(rename = "of_which_payments")]
    pub payments: Option<u64>,
    #[serde(rename = "of_which_bookings")]
    pub bookings: Option<u64>,
}

/// A row of `usage_<year>_by_ente.csv`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EnteFigures {
    pub ente: String,
    /// Category; `None` if the source gives none.
    pub category: Option<String>,
    pub kind: Kind,
    #[serde(rename = "service_uses")]
    pub uses: u64,
}

/// A row of `main_variations_<year>.csv`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct VariationFigures {
    pub category: String,
    pub service_it: String,
    /// Change in uses; `None` if the source is illegible.
    pub change: Option<i64>,
    /// Status in the year, if it has one.
    pub status: Option<VariationStatus>,
}

/// Status of a service in the year of a variation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VariationStatus {
    New,
    Retired,
}

/// Content of `access_<year>.csv`.
#[derive(Debug, Clone)]
pub(crate) struct AccessFigures {
    pub desktop_percent: f64,
    /// Bands in the order of the day; they cover each hour once.
    pub bands: Vec<BandFigures>,
}

/// Mean users per hour in a band of the day.
#[derive(Debug, Clone)]
pub(crate) struct BandFigures {
    pub hours: Range<u8>,
    pub mean_users: f64,
}

/// Required file; the other files are optional.
const BY_CATEGORY: &str = "usage_by_category.csv";

impl TargetFigures {
    /// Loads the printed figures of the Focus report: 2016 or 2017.
    pub fn focus(year: i16) -> Option<Self> {
        // A test reads both years, so the embedded files are valid.
        read::read(year, &|name| Ok(embedded(name).map(str::to_owned))).ok()
    }

    /// Reads the figures of `year` from a folder. `usage_by_category.csv` is required;
    /// `usage_<year>_by_ente.csv`, `access_<year>.csv` and `main_variations_<year>.csv` are
    /// optional. Tables of other years replace missing tables of `year`.
    pub fn from_dir(dir: &Path, year: i16) -> Result<Self, FiguresError> {
        read::read(
            year,
            &|name| match std::fs::read_to_string(dir.join(name)) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => {
                    let cause = format!("it cannot be read ({error})");
                    let remedy = "make it a readable text file in UTF-8";
                    Err(FiguresError::new(name, None, cause, remedy))
                }
            },
        )
    }

    /// Year of the figures.
    pub fn year(&self) -> i16 {
        self.year
    }

    /// Number of service uses in the year.
    pub fn service_uses(&self) -> u64 {
        let tables = self.years.get(&self.year);
        let categories = tables.map_or(&[][..], |tables| &tables.categories);
        categories.iter().map(|row| row.uses).sum()
    }

    /// True if the year has access figures. Otherwise the stream only has service uses.
    pub fn has_accesses(&self) -> bool {
        self.access.is_some()
    }
}

fn embedded(name: &str) -> Option<&'static str> {
    Some(match name {
        "usage_by_category.csv" => include_str!("../figures/focus-2017/usage_by_category.csv"),
        "usage_2017_by_ente.csv" => include_str!("../figures/focus-2017/usage_2017_by_ente.csv"),
        "main_variations_2017.csv" => {
            include_str!("../figures/focus-2017/main_variations_2017.csv")
        }
        "access_2017.csv" => include_str!("../figures/focus-2017/access_2017.csv"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_focus_years_are_there_and_no_other() {
        for year in [2016, 2017] {
            read::read(year, &|name| Ok(embedded(name).map(str::to_owned))).unwrap();
            assert!(TargetFigures::focus(year).is_some());
        }
        assert!(TargetFigures::focus(2018).is_none());
        assert!(TargetFigures::focus(2017).unwrap().has_accesses());
        assert!(!TargetFigures::focus(2016).unwrap().has_accesses());
    }
}
