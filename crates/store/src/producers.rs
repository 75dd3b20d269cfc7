//! Sequence numbers and client reports of event producers.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::native::{Number as _, put_string};
use crate::sql::statement;
use crate::{InsertToken, Ledger, StoreError};

/// Number of sequence numbers in a bucket of `producer_sequences`.
pub const BUCKET_NUMBERS: u64 = 64;
/// Maximum number of listed producers, and maximum number of buckets read for one producer.
const PRODUCERS_MAX: usize = 200;
const BUCKETS_MAX: usize = 1_000_000;

/// Sequence numbers of a producer that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceRow {
    /// Process that produced the events.
    pub producer: String,
    /// Number of the bucket, with the sequence numbers from `64 × bucket + 1` to `64 × bucket +
    /// 64`.
    pub bucket: u64,
    /// Bitmap of the sequence numbers read.
    pub seen: u64,
    /// Highest sequence number read.
    pub last_sequence: u64,
    /// Public body of one of the events.
    pub ente: String,
    /// Portal of one of the events.
    pub portal: String,
}

/// Events that a producer reported as dropped for one reason, or its report that it dropped none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientReportRow {
    /// Process that produced the events.
    pub producer: String,
    /// Time of the report, in milliseconds since 1970.
    pub reported_at_ms: i64,
    /// Portal instance.
    pub source: String,
    /// Last assigned sequence number.
    pub last_sequence: u64,
    /// Public body of the events; empty if none were dropped.
    pub ente: String,
    /// Reason for dropping the events.
    pub reason: String,
    /// Number of dropped events.
    pub events: u64,
    /// Identity of the report.
    pub identity: u64,
}

/// Events that never arrived, according to the sequence numbers of their producer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProducerGap {
    /// Process that produced the events.
    pub producer: String,
    /// Public body of one of its events.
    pub ente: String,
    /// Portal of one of its events.
    pub portal: String,
    /// Highest known sequence number.
    pub last_sequence: u64,
    /// Number of sequence numbers that were never read.
    pub missing: u64,
    /// Number of events that the producer reported as dropped.
    pub reported: u64,
    /// First missing ranges, both ends included.
    pub ranges: Vec<(u64, u64)>,
}

/// Events reported as dropped.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ReportedDrops {
    /// Public body.
    pub ente: String,
    /// Reason for dropping the events.
    pub reason: String,
    /// Number of dropped events.
    pub events: u64,
    /// Number of processes that reported them.
    pub producers: u64,
}

#[derive(Row, Deserialize)]
struct Account {
    producer: String,
    ente: String,
    portal: String,
    last_sequence: u64,
    seen: u64,
    reported: u64,
}

impl Ledger {
    /// Records sequence numbers as read. Repeating it has no effect.
    pub async fn insert_sequences(
        &self,
        rows: &[SequenceRow],
        token: &InsertToken,
    ) -> Result<(), StoreError> {
        let mut out = Vec::new();
        for row in rows {
            put_string(&row.producer, &mut out);
            row.bucket.put(&mut out);
            row.seen.put(&mut out);
            row.last_sequence.put(&mut out);
            put_string(&row.ente, &mut out);
            put_string(&row.portal, &mut out);
        }
        let statement = "INSERT INTO producer_sequences (producer, bucket, seen, last_sequence, ente, portal) FORMAT RowBinary";
        self.0
            .insert("producer_sequences", statement.into(), out.into(), token)
            .await
    }

    /// Stores client reports. Repeating it has no effect.
    pub async fn insert_client_reports(
        &self,
        rows: &[ClientReportRow],
        token: &InsertToken,
    ) -> Result<(), StoreError> {
        let mut out = Vec::new();
        for row in rows {
            put_string(&row.producer, &mut out);
            row.reported_at_ms.put(&mut out);
            put_string(&row.source, &mut out);
            row.last_sequence.put(&mut out);
            put_string(&row.ente, &mut out);
            put_string(&row.reason, &mut out);
            row.events.put(&mut out);
            row.identity.put(&mut out);
        }
        let statement = "INSERT INTO client_reports (producer, reported_at, source, last_sequence, ente, reason, events, identity) FORMAT RowBinary";
        self.0
            .insert("client_reports", statement.into(), out.into(), token)
            .await
    }

    /// Returns the total of reported drops, by public body and reason.
    pub async fn reported_drops(&self) -> Result<Vec<ReportedDrops>, StoreError> {
        self.0.rows(statement!("reported_drops")).await
    }

    /// Returns the producers with more missing sequence numbers than reported drops. Leaves out
    /// producers seen within the last `on_their_way_minutes`, because portals retry failed events.
    pub async fn producer_gaps(
        &self,
        on_their_way_minutes: u32,
    ) -> Result<Vec<ProducerGap>, StoreError> {
        let query = statement!("producer_gaps")
            .bind("minutes", on_their_way_minutes)
            .bind("producers_max", PRODUCERS_MAX);
        let accounts: Vec<Account> = self.0.rows(query).await?;
        let mut gaps = Vec::with_capacity(accounts.len());
        for account in accounts {
            let query = statement!("producer_buckets")
                .bind("producer", &*account.producer)
                .bind("buckets_max", BUCKETS_MAX);
            let buckets: Vec<(u64, u64)> = self.0.rows(query).await?;
            gaps.push(ProducerGap {
                ranges: missing(&buckets, account.last_sequence),
                producer: account.producer,
                ente: account.ente,
                portal: account.portal,
                last_sequence: account.last_sequence,
                missing: account.last_sequence.saturating_sub(account.seen),
                reported: account.reported,
            });
        }
        Ok(gaps)
    }
}

/// Returns the first ranges of numbers from 1 to `last` without a bit in `buckets`, which must be
/// in order. At most five ranges.
fn missing(buckets: &[(u64, u64)], last: u64) -> Vec<(u64, u64)> {
    const RANGES_MAX: usize = 5;
    let mut ranges = Vec::new();
    let mut next = 1;
    for (bucket, seen) in buckets {
        for bit in (0..BUCKET_NUMBERS).filter(|bit| seen >> bit & 1 == 1) {
            let number = bucket * BUCKET_NUMBERS + bit + 1;
            if number > next {
                ranges.push((next, number - 1));
            }
            if ranges.len() >= RANGES_MAX {
                return ranges;
            }
            next = number + 1;
        }
    }
    if next <= last {
        ranges.push((next, last));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_numbers_are_named_as_ranges() {
        assert_eq!(missing(&[(0, u64::MAX)], 64), []);
        assert_eq!(missing(&[(0, 0b1101)], 4), [(2, 2)]);
        assert_eq!(missing(&[(0, 0b1), (3, 0b10)], 200), [(2, 193), (195, 200)]);
        assert_eq!(missing(&[], 3), [(1, 3)]);
        assert_eq!(missing(&[(1, u64::MAX)], 128), [(1, 64)]);
    }
}
