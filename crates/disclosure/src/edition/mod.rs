#![doc = include_str!("README.md")]

mod cells;
mod decided;
mod editions;
mod offered;
mod period;

use std::collections::BTreeMap;

pub use affluenza_store::usage::Dimension;
pub use cells::{Label, PublicCell, PublicMeasure};
pub use decided::{Decided, OpenMonth, OpenYear, Outcome};
pub use editions::{Closed, ClosedYear, ClosedYears, Editions, NoEdition, Year};
pub use offered::{Offered, offered};
pub use period::{ClosedPeriod, NotClosable};

use crate::{CountTable, Public, Unprotected};
use affluenza_store::open::OpenFigures;

use crate::edition::cells::{ACCESSES, USES};
use crate::edition::period::month_label;

/// Uses. Labels in this order: ente, category, kind, service, month (`2017-03`), and hour, as
/// [`hour_label`] writes it, or band.
pub type Uses = Public<6>;
/// Accesses. Labels in this order: kind of portal, class of device, month (`2017-03`), weekday (`1` is Monday), and
/// hour, as [`hour_label`] writes it, or band.
pub type Accesses = Public<5>;

/// The publishable tables of a year, or of one of its months. Hidden counts are not stored.
///
/// A month has the cells that its year has of this month. They are kept without its label.
pub struct PublicYear {
    period: ClosedPeriod,
    small_count: u64,
    uses: Uses,
    accesses: Accesses,
    users: Option<Users>,
}

/// Distinct visitors of each hour, summed over the hours of a year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// Users by local hour, 0 to 23. Hours without users are absent.
    pub by_hour: BTreeMap<u8, u64>,
    /// Users by band.
    pub by_band: BTreeMap<String, u64>,
}

/// Returns the label of a local hour in a band: `office 09`.
pub fn hour_label(band: &str, local_hour: u8) -> String {
    format!("{band} {local_hour:02}")
}

/// Returns the band of a label of [`hour_label`]; `None` for the label of a band.
pub fn band_of(label: &str) -> Option<String> {
    Some(label.split_once(' ')?.0.to_owned())
}

impl PublicYear {
    /// Builds the public tables of a year or a month, as decided when it was closed.
    ///
    /// # Errors
    /// The figures contradict each other, or a small count would be shown.
    pub fn of(
        period: impl Into<ClosedPeriod>,
        figures: &OpenFigures,
        decided: &Decided,
    ) -> Result<Self, Unprotected> {
        let (period, threshold) = (period.into(), decided.threshold());
        let (uses, accesses) = match period.month {
            Some(_) => (uses_of_month(figures), accesses_of_month(figures)),
            None => (
                table_of_uses(period.year, figures, &[]),
                table_of_accesses(period.year, figures),
            ),
        };
        Ok(Self {
            period,
            small_count: decided.small_count,
            uses: uses.with_hidden(threshold, &decided.uses)?,
            accesses: accesses.with_hidden(threshold, &decided.accesses)?,
            users: decided.has_users.then(|| Users::new(figures)),
        })
    }

    /// The year or month.
    pub fn period(&self) -> ClosedPeriod {
        self.period
    }

    /// Threshold: counts below this are hidden.
    pub fn small_count(&self) -> u64 {
        self.small_count
    }

    /// Completed service uses.
    pub fn uses(&self) -> &Uses {
        &self.uses
    }

    /// Accesses to pages and areas.
    pub fn accesses(&self) -> &Accesses {
        &self.accesses
    }

    /// Users by hour; `None` if they may not be shown.
    pub fn users(&self) -> Option<&Users> {
        self.users.as_ref()
    }
}

/// Returns the uses of a month, by ente.
fn uses_of_month(figures: &OpenFigures) -> CountTable<6> {
    let mut table = PublicMeasure::Uses.linked_of_month(USES);
    for row in &figures.months {
        let labels = USES.map(|dimension| match dimension {
            Dimension::Ente => row.ente.as_str(),
            _ => "",
        });
        table.add(labels, row.service_uses);
    }
    table
}

/// Returns the accesses of a month, by kind of portal and class of device.
fn accesses_of_month(figures: &OpenFigures) -> CountTable<5> {
    let mut table = PublicMeasure::Accesses.linked_of_month(ACCESSES);
    for row in &figures.months {
        let labels = ACCESSES.map(|dimension| match dimension {
            Dimension::PortalKind => row.portal_kind.as_str(),
            Dimension::Device => row.device.as_str(),
            _ => "",
        });
        table.add(labels, row.accesses);
    }
    table
}

fn table_of_uses(year: i16, figures: &OpenFigures, offered: &[Offered]) -> CountTable<6> {
    use Dimension::{Category, Ente, Hour, Kind, Month, Service};
    let detail = [Ente, Category, Kind, Service].map(Dimension::name);
    let table = PublicMeasure::Uses.linked(USES);
    let mut table = table.with_detail(&detail);
    for row in &figures.uses {
        let labels = USES.map(|dimension| match dimension {
            Ente => row.ente.as_str(),
            Category => &row.category,
            Kind => &row.kind,
            Service => &row.service,
            _ => "",
        });
        table.add_to(0, labels, row.service_uses);
        table.add_to(1, labels, row.service_uses);
        table.add_detail(labels, row.service_uses);
    }
    for offer in offered {
        let labels = USES.map(|dimension| match dimension {
            Ente => offer.ente.as_str(),
            Category => &offer.category,
            Kind => &offer.kind,
            Service => &offer.service,
            _ => "",
        });
        table.add_detail(labels, 0);
    }
    for row in &figures.months {
        let month = month_label(year, row.month);
        let labels = USES.map(|dimension| match dimension {
            Ente => row.ente.as_str(),
            Month => &month,
            _ => "",
        });
        table.add_to(2, labels, row.service_uses);
    }
    for row in &figures.week {
        let hour = hour_label(&row.band, row.local_hour);
        let labels = USES.map(|dimension| if dimension == Hour { &*hour } else { "" });
        table.add_to(3, labels, row.service_uses);
    }
    table
}

fn table_of_accesses(year: i16, figures: &OpenFigures) -> CountTable<5> {
    use Dimension::{Device, Hour, Month, PortalKind, Weekday};
    let mut table = PublicMeasure::Accesses.linked(ACCESSES);
    for row in &figures.months {
        let month = month_label(year, row.month);
        let labels = ACCESSES.map(|dimension| match dimension {
            PortalKind => row.portal_kind.as_str(),
            Device => row.device.as_str(),
            Month => &month,
            _ => "",
        });
        table.add_to(0, labels, row.accesses);
    }
    for row in &figures.week {
        let weekday = row.weekday.to_string();
        let hour = hour_label(&row.band, row.local_hour);
        let labels = ACCESSES.map(|dimension| match dimension {
            Weekday => weekday.as_str(),
            Hour => &hour,
            _ => "",
        });
        table.add_to(1, labels, row.accesses);
    }
    table
}

impl Users {
    fn new(figures: &OpenFigures) -> Self {
        let hours = figures.hours.iter();
        let bands = figures.bands.iter();
        Self {
            by_hour: hours.map(|row| (row.local_hour, row.users_hours)).collect(),
            by_band: bands
                .map(|row| (row.band.clone(), row.users_hours))
                .collect(),
        }
    }

    /// Users of an hour or a band.
    fn of(&self, dimension: Dimension, label: &str) -> u64 {
        let users = match dimension {
            Dimension::Hour => label.parse().ok().and_then(|hour| self.by_hour.get(&hour)),
            _ => self.by_band.get(label),
        };
        users.copied().unwrap_or(0)
    }

    fn counts(&self) -> impl Iterator<Item = u64> {
        self.by_hour.values().chain(self.by_band.values()).copied()
    }

    /// Absolute change of each hour and band.
    fn moved(&self, now: &Self) -> Vec<u64> {
        let hours = (0..24).map(|hour| [&self.by_hour, &now.by_hour].map(|of| of.get(&hour)));
        let bands = now.by_band.keys().chain(self.by_band.keys());
        let bands = bands.map(|band| [&self.by_band, &now.by_band].map(|of| of.get(band)));
        hours
            .chain(bands)
            .map(|counts| counts.map(|count| count.copied().unwrap_or(0)))
            .map(|[then, now]| then.abs_diff(now))
            .collect()
    }
}
