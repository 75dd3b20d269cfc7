//! Users by hour of the day and by band, divided by the hours that existed.

use affluenza_classify::hours::{Band, Bands, ExistingHours, LocalDate, Zone};
use affluenza_disclosure::Count;
use affluenza_register::Register;
use affluenza_store::usage::{Dimension, HourRow};

use crate::answer::Value;
use crate::offers::Grid;
use crate::period::Period;
use crate::public::shown;
use crate::question::Question;

/// Figures of some hours. In public answers, some of them may be hidden.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub users: Count,
    pub accesses: Count,
    pub service_uses: Count,
}

impl Figures {
    /// Sums the wanted rows.
    pub fn of(rows: &[HourRow], is_wanted: impl Fn(&HourRow) -> bool) -> Self {
        let sum = |figure: fn(&HourRow) -> u64| {
            Count::Shown(rows.iter().filter(|row| is_wanted(row)).map(figure).sum())
        };
        Self {
            users: sum(|row| row.users_hours),
            accesses: sum(|row| row.accesses),
            service_uses: sum(|row| row.service_uses),
        }
    }

    fn values(&self, existing: f64) -> [Value; 5] {
        let mean = self
            .users
            .shown()
            .map_or(Value::Suppressed, |users| Value::mean(users, existing));
        [
            Value::Ratio(existing),
            shown(self.users),
            mean,
            shown(self.accesses),
            shown(self.service_uses),
        ]
    }

    fn totals(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("users_hours", shown(self.users)),
            ("accesses", shown(self.accesses)),
            ("service_uses", shown(self.service_uses)),
        ]
    }
}

/// Returns the time zones of the portals that a question covers.
pub(crate) fn zones(
    register: &Register,
    question: &Question,
    scope: Option<&[String]>,
) -> Vec<Zone> {
    let filter = |dimension| question.filters.get(&dimension).map(Vec::as_slice);
    let enti = filter(Dimension::Ente).or(scope);
    let portals = filter(Dimension::Portal);
    let has = |codes: Option<&[String]>, code: &str| {
        codes.is_none_or(|codes| codes.iter().any(|one| one == code))
    };
    Zone::all_named(register.zones(|ente, portal| {
        has(enti, ente.code()) && portal.is_none_or(|portal| has(portals, portal.code()))
    }))
}

/// Builds the rows of the 24 hours of the day.
pub(crate) fn by_hour(
    zones: &[Zone],
    period: Period,
    of: impl Fn(u8) -> Figures,
    all: &Figures,
) -> Grid {
    let existing = ExistingHours::of_any(zones, period.first(), after(period));
    let columns = vec![
        "hour",
        "hours_existing",
        "users_hours",
        "users_per_hour_mean",
        "accesses",
        "service_uses",
    ];
    let row = |hour: u8| {
        let mut row = vec![Value::Text(hour.to_string())];
        row.extend(of(hour).values(existing.hours_at(hour)));
        row
    };
    (columns, (0..24).map(row).collect(), all.totals())
}

/// Builds the rows of the bands.
pub(crate) fn by_band(
    zones: &[Zone],
    period: Period,
    of: impl Fn(Band) -> Figures,
    all: &Figures,
) -> Grid {
    let columns = vec![
        "band",
        "from_hour",
        "to_hour",
        "hours_existing",
        "users_hours",
        "users_per_hour_mean",
        "accesses",
        "service_uses",
    ];
    let existing = ExistingHours::of_any(zones, period.first(), after(period));
    let bands = Bands::default();
    let row = |band: Band| {
        let of_band = |hour: &u8| bands.of(*hour) == band;
        let first = (0..24).find(of_band).unwrap_or(0);
        let last = (0..24).rev().find(of_band).unwrap_or(0);
        let existing = existing.hours_in(&bands, band) as f64;
        let mut row = vec![
            Value::Text(band.as_str().to_owned()),
            Value::Count(u64::from(first)),
            Value::Count(u64::from(last) + 1),
        ];
        row.extend(of(band).values(existing));
        row
    };
    let rows = Band::ALL.into_iter().map(row).collect();
    (columns, rows, all.totals())
}

fn after(period: Period) -> LocalDate {
    period.last().plus_days(1)
}
