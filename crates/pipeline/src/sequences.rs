//! Sequence numbers of producers in the records of a block, to detect lost events.

use std::collections::BTreeMap;

use affluenza_event::{ClientReport, Event, Origin};
use affluenza_store::producers::{BUCKET_NUMBERS, ClientReportRow, SequenceRow};
use hashbrown::HashMap;

/// Sequence numbers and client reports of a block. Only records of producers that number their events have them.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    /// Sequence numbers by producer, then by bucket.
    seen: HashMap<String, HashMap<u64, Bucket>>,
    reports: Vec<ClientReportRow>,
}

#[derive(Debug, Default)]
struct Bucket {
    seen: u64,
    last: u64,
    ente: String,
    portal: String,
}

impl Sequences {
    pub(crate) fn note(&mut self, event: &Event<'_>) {
        if let Some(origin) = &event.origin {
            self.note_origin(origin, &event.ente, &event.portal);
        }
    }

    /// Notes the origin of an event. The sequence number of a refused event has arrived, too.
    pub(crate) fn note_origin(&mut self, origin: &Origin<'_>, ente: &str, portal: &str) {
        let at = origin.sequence - 1;
        let buckets = match self.seen.get_mut(&*origin.producer) {
            Some(buckets) => buckets,
            None => self.seen.entry(origin.producer.to_string()).or_default(),
        };
        let bucket = buckets.entry(at / BUCKET_NUMBERS).or_default();
        bucket.seen |= 1 << (at % BUCKET_NUMBERS);
        bucket.last = bucket.last.max(origin.sequence);
        if bucket.ente.is_empty() {
            bucket.ente = ente.to_owned();
            bucket.portal = portal.to_owned();
        }
    }

    pub(crate) fn report(&mut self, report: &ClientReport<'_>) {
        let row = ClientReportRow {
            producer: report.producer.to_string(),
            reported_at_ms: report.time.0,
            source: report.source.to_string(),
            last_sequence: report.last_sequence,
            ente: String::new(),
            reason: String::new(),
            events: 0,
            identity: report.identity.0,
        };
        // The table has one row for an ente and a reason.
        let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for dropped in &report.dropped {
            let sum = sums.entry((&dropped.ente, &dropped.reason)).or_default();
            *sum = sum.saturating_add(dropped.events);
        }
        let rows = sums
            .into_iter()
            .map(|((ente, reason), events)| ClientReportRow {
                ente: ente.to_owned(),
                reason: reason.to_owned(),
                events,
                ..row.clone()
            });
        self.reports.extend(rows);
        if report.dropped.is_empty() {
            self.reports.push(row);
        }
    }

    pub(crate) fn reports(&self) -> &[ClientReportRow] {
        &self.reports
    }

    /// Returns the rows in a fixed order, so that writing a block twice sends the same bytes.
    pub(crate) fn rows(&self) -> Vec<SequenceRow> {
        let mut rows: Vec<SequenceRow> = self
            .seen
            .iter()
            .flat_map(|(producer, buckets)| {
                buckets.iter().map(|(number, bucket)| SequenceRow {
                    producer: producer.clone(),
                    bucket: *number,
                    seen: bucket.seen,
                    last_sequence: bucket.last,
                    ente: bucket.ente.clone(),
                    portal: bucket.portal.clone(),
                })
            })
            .collect();
        rows.sort_by(|one, other| {
            (&one.producer, one.bucket).cmp(&(&other.producer, other.bucket))
        });
        rows
    }
}
