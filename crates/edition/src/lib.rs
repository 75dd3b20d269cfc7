//! What everybody may see of a year: one set of tables, protected together.
//!
//! Whatever is shown without a key, by the API, as open data or in a public report, is read from
//! one [`PublicYear`] and from nothing else. A cell that is in two places is the same in both, or
//! hidden in both; so comparing them tells no more than either. The attacker's test knows all of
//! it at once.
//!
//! # What is published
//!
//! | of | by |
//! |---|---|
//! | service uses | ente, category and kind, with every margin |
//! | | category and service |
//! | | ente and month |
//! | | hour, and band |
//! | accesses | class of device and month |
//! | | weekday and hour, and band |
//! | users of an hour | hour, and band: all of them, or none |
//!
//! All of people, bots left out. Uses are one system of linked tables, accesses another.
//!
//! # What is not, and why
//!
//! * Services by ente, and how many enti used a service: two uses in two enti are one each.
//! * Logins, countries, portals, channels: each would be one more table to protect with all others, and
//!   most of their cells are small where they tell anything.
//! * Users by ente, by month or of a year: they do not add up, so that protecting sums protects
//!   nothing of them. Users of an hour are shown because hours of a year are large; as soon as one
//!   of them is small, or its accesses are hidden, none is shown.
//! * Periods other than a whole year that is over, and anything live: the difference of two
//!   periods, or of two looks, is the use of a few.
//!
//! A closed year is published as it was closed, so it never has a second edition. A year that is over
//! and not closed may still change by events that come late, and whoever keeps the earlier edition
//! sees by how much: close years before they are published.

mod editions;

use std::collections::BTreeMap;

pub use editions::{Closed, ClosedYear, ClosedYears, Editions, NoEdition, Year};

use affluenza_disclosure::{Dimension, Public, Table, Threshold};
use affluenza_store::open::OpenFigures;

/// Labels of uses, in this order: ente, category, kind, service, month (`2017-03`), and hour, as
/// [`hour_label`] writes it, or band.
pub type Uses = Public<6>;
/// Labels of accesses, in this order: class of device, month (`2017-03`), weekday (`1` is Monday),
/// and hour, as [`hour_label`] writes it, or band.
pub type Accesses = Public<4>;

const USES: [Dimension; 6] = [
    Dimension::flat("ente"),
    Dimension::flat("category"),
    Dimension::flat("kind"),
    Dimension::flat("service"),
    Dimension::flat("month"),
    Dimension::nested("hour", band_of),
];
const ACCESSES: [Dimension; 4] = [
    Dimension::flat("device"),
    Dimension::flat("month"),
    Dimension::flat("weekday"),
    Dimension::nested("hour", band_of),
];

/// A year as everybody may see it. It holds nothing that must not be shown.
pub struct PublicYear {
    year: i16,
    small_count: u64,
    uses: Uses,
    accesses: Accesses,
    users: Option<Users>,
    has_hours: bool,
}

/// Distinct visitors of each hour, summed over the hours of a year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// By local hour, 0 to 23; an hour without any is not there.
    pub by_hour: BTreeMap<u8, u64>,
    /// By band.
    pub by_band: BTreeMap<String, u64>,
}

/// The lists that a year is made of contradict each other: events came in while they were read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the figures of {0} changed while they were read: try again")]
pub struct Contradiction(pub i16);

/// The label of a local hour in a band: `office 09`.
pub fn hour_label(band: &str, local_hour: u8) -> String {
    format!("{band} {local_hour:02}")
}

/// The band of such a label; a band is in none.
pub fn band_of(label: &str) -> Option<String> {
    Some(label.split_once(' ')?.0.to_owned())
}

/// The local hour of such a label.
pub fn hour_of(label: &str) -> Option<u8> {
    label.split_once(' ')?.1.parse().ok()
}

impl PublicYear {
    /// Protects the figures of a year.
    ///
    /// # Errors
    /// The figures contradict each other.
    pub fn of(
        year: i16,
        figures: &OpenFigures,
        threshold: Threshold,
    ) -> Result<Self, Contradiction> {
        let has_hours = !figures.week.is_empty();
        let (uses, accesses) = (
            table_of_uses(year, figures, has_hours),
            table_of_accesses(year, figures, has_hours),
        );
        if !uses.agree() || !accesses.agree() {
            return Err(Contradiction(year));
        }
        let (uses, accesses) = (uses.suppress(threshold), accesses.suppress(threshold));
        let users = has_hours
            .then(|| users(figures, &accesses, threshold))
            .flatten();
        Ok(Self {
            year,
            small_count: threshold.k,
            uses,
            accesses,
            users,
            has_hours,
        })
    }

    /// Which year.
    pub fn year(&self) -> i16 {
        self.year
    }

    /// Counts below this are hidden.
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

    /// Users of hours; none when one of them is small.
    pub fn users(&self) -> Option<&Users> {
        self.users.as_ref()
    }

    /// Whether there are hours at all: a year that an earlier version closed has none.
    pub fn has_hours(&self) -> bool {
        self.has_hours
    }
}

fn month(year: i16, month: u8) -> String {
    format!("{year:04}-{month:02}")
}

fn table_of_uses(year: i16, figures: &OpenFigures, has_hours: bool) -> Table<6> {
    let tables: &[&[&str]] = &[
        &["ente", "category", "kind"],
        &["category", "service"],
        &["ente", "month"],
        &["hour"],
    ];
    let mut table = Table::linked(USES, &tables[..3 + usize::from(has_hours)]);
    for row in &figures.uses {
        let labels = [&row.ente, &row.category, &row.kind, &row.service];
        let [ente, category, kind, service] = labels.map(String::as_str);
        table.add_to(0, [ente, category, kind, "", "", ""], row.service_uses);
        table.add_to(1, ["", category, "", service, "", ""], row.service_uses);
    }
    for row in &figures.months {
        let month = month(year, row.month);
        table.add_to(2, [&row.ente, "", "", "", &month, ""], row.service_uses);
    }
    for row in &figures.week {
        let hour = hour_label(&row.band, row.local_hour);
        table.add_to(3, ["", "", "", "", "", &hour], row.service_uses);
    }
    table
}

fn table_of_accesses(year: i16, figures: &OpenFigures, has_hours: bool) -> Table<4> {
    let tables: &[&[&str]] = &[&["device", "month"], &["weekday", "hour"]];
    let mut table = Table::linked(ACCESSES, &tables[..1 + usize::from(has_hours)]);
    for row in &figures.months {
        let month = month(year, row.month);
        table.add_to(0, [&row.device, &month, "", ""], row.accesses);
    }
    for row in &figures.week {
        let (weekday, hour) = (
            row.weekday.to_string(),
            hour_label(&row.band, row.local_hour),
        );
        table.add_to(1, ["", "", &weekday, &hour], row.accesses);
    }
    table
}

/// Users by hour, if nothing of them is small: each hour has at least as many accesses as users, so
/// a hidden hour of either would narrow the other down.
fn users(figures: &OpenFigures, accesses: &Accesses, threshold: Threshold) -> Option<Users> {
    let hours = figures.hours.iter();
    let bands = figures.bands.iter();
    let users = Users {
        by_hour: hours.map(|row| (row.local_hour, row.users_hours)).collect(),
        by_band: bands
            .map(|row| (row.band.clone(), row.users_hours))
            .collect(),
    };
    let is_small = |count: &u64| (1..threshold.k).contains(count);
    let some_are_small =
        users.by_hour.values().any(is_small) || users.by_band.values().any(is_small);
    let some_are_hidden = accesses
        .cells()
        .any(|(labels, cell)| matches!(labels, [None, None, None, _]) && cell.is_suppressed());
    (!some_are_small && !some_are_hidden).then_some(users)
}
