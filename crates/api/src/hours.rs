//! Users by hour of the day and by band, divided by the hours that existed.

use affluenza_classify::hours::{Band, Bands, ExistingHours, LocalDate, Zone};
use affluenza_register::Register;
use affluenza_store::usage::Dimension;

use crate::answer::Value;
use crate::asked::{AnswerPage, Asked};
use crate::period::Period;
use crate::question::{Question, Resource};
use crate::source::{FigureSource, HourCounts, NoFigures};

/// Columns of the figures of some hours.
const FIGURES: [&str; 5] = [
    "hours_existing",
    "users_hours",
    "users_per_hour_mean",
    "accesses",
    "service_uses",
];

impl HourCounts {
    fn values(&self, existing: f64) -> [Value; 5] {
        [
            Value::Ratio(existing),
            Value::Count(self.users),
            Value::mean(self.users, existing),
            Value::Count(self.accesses),
            Value::Count(self.service_uses),
        ]
    }

    fn totals(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("users_hours", Value::Count(self.users)),
            ("accesses", Value::Count(self.accesses)),
            ("service_uses", Value::Count(self.service_uses)),
        ]
    }
}

/// Returns the time zones of the portals that a question covers.
pub(crate) fn zones(
    register: &Register,
    question: &Question,
    scope: Option<&[String]>,
) -> Vec<Zone> {
    let enti = question.filters.get(&Dimension::Ente).map(Vec::as_slice);
    let enti = enti.or(scope);
    let portals = question.filters.get(&Dimension::Portal).map(Vec::as_slice);
    Zone::all_named(register.zones(|ente, portal| {
        is_wanted(enti, ente.code())
            && portal.is_none_or(|portal| is_wanted(portals, portal.code()))
    }))
}

fn is_wanted(codes: Option<&[String]>, code: &str) -> bool {
    codes.is_none_or(|codes| codes.iter().any(|one| one == code))
}

/// Builds the rows of the 24 hours, or of the bands.
pub(crate) async fn page(
    source: FigureSource<'_>,
    asked: &Asked<'_>,
    register: &Register,
) -> Result<AnswerPage, NoFigures> {
    let day = source.hours(asked.question, asked.period).await?;
    let zones = zones(register, asked.question, source.scope());
    let existing = ExistingHours::of_any(&zones, asked.period.first(), day_after(asked.period));
    let (labels, rows) = if asked.question.resource == Resource::Hours {
        let rows = (0..24).map(|hour: u8| {
            let text = hour.to_string();
            let counts = day.hours.get(&text).copied().unwrap_or_default();
            let mut row = vec![Value::Text(text)];
            row.extend(counts.values(existing.hours_at(hour)));
            row
        });
        (vec!["hour"], rows.collect::<Vec<_>>())
    } else {
        let bands = Bands::default();
        let labels = vec!["band", "from_hour", "to_hour"];
        let rows = Band::ALL.map(|band| {
            let counts = day.bands.get(band.as_str()).copied().unwrap_or_default();
            let mut row = band_values(&bands, band);
            row.extend(counts.values(existing.hours_in(&bands, band) as f64));
            row
        });
        (labels, rows.to_vec())
    };
    let columns = [labels, FIGURES.to_vec()].concat();
    let page = AnswerPage::new(asked.question, columns, &rows, Vec::clone);
    let totals = day.all.totals();
    Ok(AnswerPage { totals, ..page })
}

/// Returns the name of a band, its first hour, and the hour after its last.
fn band_values(bands: &Bands, band: Band) -> Vec<Value> {
    let mut hours = (0..24).filter(|hour| bands.of(*hour) == band);
    let first = hours.next().unwrap_or(0);
    let last = hours.next_back().unwrap_or(first);
    vec![
        Value::Text(band.as_str().to_owned()),
        Value::count(u64::from(first)),
        Value::count(u64::from(last) + 1),
    ]
}

fn day_after(period: Period) -> LocalDate {
    period.last().plus_days(1)
}
