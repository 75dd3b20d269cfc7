//! Users by hour of the day and by band, divided by the hours that existed.

use affluenza_classify::hours::{Band, ExistingHours, Zone};
use affluenza_register::Register;
use affluenza_store::usage::Dimension;
use jiff::civil::Date;
use strum::VariantArray as _;

use crate::answer::Value;
use crate::asked::{AnswerPage, Asked};
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
    let [portals, kinds] = [Dimension::Portal, Dimension::PortalKind]
        .map(|dimension| question.filters.get(&dimension).map(Vec::as_slice));
    register.zones(|ente, portal| {
        is_wanted(enti, ente.code())
            && portal.is_none_or(|portal| {
                let kind = portal.kind().map_or("unknown", <&str>::from);
                is_wanted(portals, portal.code()) && is_wanted(kinds, kind)
            })
    })
}

/// True if the codes, or all of them without a list, include this one.
pub(crate) fn is_wanted(codes: Option<&[String]>, code: &str) -> bool {
    codes.is_none_or(|codes| codes.iter().any(|one| one == code))
}

/// Returns the columns of hours or of bands.
pub(crate) fn columns(resource: Resource) -> Vec<&'static str> {
    let labels: &[&str] = match resource {
        Resource::Hours => &["hour"],
        _ => &["band", "from_hour", "to_hour"],
    };
    [labels, &FIGURES].concat()
}

/// Builds the rows of the 24 hours, or of the bands.
pub(crate) async fn page(
    source: FigureSource<'_>,
    asked: &Asked<'_>,
    register: &Register,
) -> Result<AnswerPage, NoFigures> {
    let day = source.hours(asked.question, asked.period).await?;
    let zones = zones(register, asked.question, source.scope());
    // No period reaches the end of the calendar.
    let day_after = asked.reached().last().tomorrow().unwrap_or(Date::MAX);
    let existing = ExistingHours::of_any(&zones, asked.period.first(), day_after);
    let rows: Vec<Vec<Value>> = if asked.question.resource == Resource::Hours {
        let rows = (0..24).map(|hour: u8| {
            let text = hour.to_string();
            let counts = day.hours.get(&text).copied().unwrap_or_default();
            let mut row = vec![Value::Text(text)];
            row.extend(counts.values(existing.hours_at(hour)));
            row
        });
        rows.collect()
    } else {
        let rows = Band::VARIANTS.iter().map(|band| {
            let name = <&str>::from(band);
            let counts = day.bands.get(name).copied().unwrap_or_default();
            let hours = band.hours();
            let mut row = vec![
                Value::Text(name.to_owned()),
                Value::count(u64::from(hours.start)),
                Value::count(u64::from(hours.end)),
            ];
            row.extend(counts.values(existing.hours_in(*band) as f64));
            row
        });
        rows.collect()
    };
    let columns = columns(asked.question.resource);
    let page = AnswerPage::new(asked.question, columns, &rows, Vec::clone)?;
    let totals = day.all.totals();
    Ok(AnswerPage { totals, ..page })
}
