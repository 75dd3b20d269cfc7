use affluenza_event::UnixMillis;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

/// Time zone of the portals, for the start of days and for printed times.
const ZONE: &str = "Europe/Rome";

/// Start or end of a period, given as a date or as a time of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub UnixMillis);

/// Error of a text that is neither a date nor a time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "use a date such as 2017-03-26, or a time such as 2017-03-26T10:00:00+02:00 (without offset: {ZONE})"
)]
pub struct BadMoment;

impl Moment {
    /// Parses the start of a period. A date stands for its first moment.
    pub fn since(text: &str) -> Result<Self, BadMoment> {
        match date(text) {
            Some(date) => midnight(date),
            None => time(text),
        }
    }

    /// Parses the end of a period, exclusive. A date stands for the first moment of the next day,
    /// so that the period includes the whole day.
    pub fn until(text: &str) -> Result<Self, BadMoment> {
        match date(text) {
            Some(date) => midnight(date.tomorrow().map_err(|_| BadMoment)?),
            None => time(text),
        }
    }
}

/// Formats a time as RFC 3339 in [`ZONE`], to the second; a dash if it is missing or out of range.
pub(crate) fn show(ms: Option<i64>) -> String {
    ms.and_then(|ms| Timestamp::from_second(ms.div_euclid(1000)).ok())
        .map_or_else(
            || "-".to_owned(),
            |timestamp| {
                let offset = zone().to_offset(timestamp);
                timestamp.display_with_offset(offset).to_string()
            },
        )
}

fn zone() -> TimeZone {
    TimeZoneDatabase::bundled()
        .get(ZONE)
        .expect("the zones come with the program")
}

fn date(text: &str) -> Option<Date> {
    // jiff also parses a date followed by a time as a date, and would drop the time.
    let is_date = text.len() == "2017-03-26".len();
    is_date.then(|| text.parse().ok()).flatten()
}

fn midnight(date: Date) -> Result<Moment, BadMoment> {
    moment(date.at(0, 0, 0, 0))
}

fn time(text: &str) -> Result<Moment, BadMoment> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(Moment(UnixMillis(timestamp.as_millisecond())));
    }
    if !text.contains(['T', 't', ' ']) {
        return Err(BadMoment);
    }
    let local: DateTime = text.parse().map_err(|_| BadMoment)?;
    moment(local)
}

/// Converts a local time. A time skipped by a clock change is read as one hour later. A repeated
/// time is read as its first occurrence.
fn moment(local: DateTime) -> Result<Moment, BadMoment> {
    let timestamp = zone().to_timestamp(local).map_err(|_| BadMoment)?;
    Ok(Moment(UnixMillis(timestamp.as_millisecond())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment(UnixMillis(
            text.parse::<Timestamp>().unwrap().as_millisecond(),
        ))
    }

    #[test]
    fn a_date_is_a_whole_day_where_the_portals_are() {
        // Summer time began on this day: 23 hours.
        assert_eq!(Moment::since("2017-03-26"), Ok(at("2017-03-25T23:00:00Z")));
        assert_eq!(Moment::until("2017-03-26"), Ok(at("2017-03-26T22:00:00Z")));
    }

    #[test]
    fn a_time_is_one_moment() {
        for read in [Moment::since, Moment::until] {
            let expected = Ok(at("2017-03-26T08:00:00Z"));
            assert_eq!(read("2017-03-26T10:00:00+02:00"), expected);
            assert_eq!(read("2017-03-26T08:00:00Z"), expected);
            assert_eq!(read("2017-03-26T10:00"), expected);
            assert_eq!(read("2017-03-26 10:00:00"), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "yesterday", "2017-13-01", "26/03/2017", "2017", "10:00"] {
            assert_eq!(Moment::since(text), Err(BadMoment), "{text:?}");
            assert_eq!(Moment::until(text), Err(BadMoment), "{text:?}");
        }
    }

    #[test]
    fn times_are_shown_with_their_offset() {
        assert_eq!(show(Some(1_490_515_200_000)), "2017-03-26T10:00:00+02:00");
        assert_eq!(show(None), "-");
        assert_eq!(show(Some(i64::MAX)), "-");
    }
}
