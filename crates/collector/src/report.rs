//! Reports refused events as events of the log, so that they are part of the accounts.

use affluenza_event::wire::{Dropped, Envelope, Report};
use affluenza_event::{CLIENT_REPORT_V1, UnixMillis};

use crate::tally::CountKey;

/// CloudEvents source of the reports.
const SOURCE: &str = "urn:affluenza:collector";
/// Code for an unknown ente or producer.
const UNKNOWN: &str = "unknown";
/// Limit of entries in a report.
const ENTRIES_MAX: usize = 1_000;

/// Makes the reports of `rows`, which are sorted: one per producer, or several for one with very
/// many rows.
pub fn reports(rows: &[(CountKey, u64)], now: UnixMillis) -> Vec<Envelope<'_, Report<'_>>> {
    let time = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    rows.chunk_by(|one, other| one.0.producer == other.0.producer)
        .flat_map(|rows| rows.chunks(ENTRIES_MAX))
        .map(|rows| {
            let producer = rows.first().map_or("", |(row, _)| &row.producer);
            let dropped = rows.iter().map(|(row, events)| Dropped {
                ente: or_unknown(&row.ente).into(),
                reason: <&str>::from(row.reason).into(),
                events: *events,
            });
            Envelope {
                specversion: "1.0".into(),
                event_type: CLIENT_REPORT_V1.into(),
                source: SOURCE.into(),
                id: uuid::Uuid::now_v7().to_string().into(),
                time: time.to_string().into(),
                producer: None,
                sequence: None,
                data: Report {
                    producer: or_unknown(producer).into(),
                    last_sequence: 0,
                    dropped: dropped.collect(),
                },
            }
        })
        .collect()
}

fn or_unknown(code: &str) -> &str {
    if code.is_empty() { UNKNOWN } else { code }
}

#[cfg(test)]
mod tests {
    use affluenza_event::{Message, read};

    use super::*;
    use crate::outcome::Reason;

    #[test]
    fn every_report_is_one_of_the_contract() {
        let row = |producer: &str, ente: &str, reason| CountKey {
            producer: producer.into(),
            ente: ente.into(),
            reason,
        };
        let rows = [
            (row("", "", Reason::ForeignOrigin), 1),
            (row("key-1", "c_d612", Reason::BadTime), 2),
            (row("key-1", "c_d612", Reason::TimeAhead), 3),
        ];
        let now = UnixMillis(1_774_000_000_000);
        let reports = reports(&rows, now);
        assert_eq!(reports.len(), 2);
        let mut events = 0;
        for report in reports {
            let json = serde_json::to_vec(&report).unwrap();
            let read = read(&json, std::iter::empty, now).message.unwrap();
            let Message::Report(report) = read else {
                panic!("it is a report")
            };
            events += report
                .dropped
                .iter()
                .map(|dropped| dropped.events)
                .sum::<u64>();
        }
        assert_eq!(events, 6);
    }
}
