//! Watches open transactions of producers: logs them and updates metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{Cluster, Config, OpenTransaction, OpenTransactions};
use affluenza_pipeline::Progress;

/// Interval between checks.
const LOOK: Duration = Duration::from_secs(5);
/// Age at which an open transaction is logged. Most transactions last less than a second.
const SAID_AFTER: Duration = Duration::from_secs(15);

/// Formats a line about an open transaction.
pub fn sentence(open: &OpenTransaction) -> String {
    let producer = match (&open.transactional_id, open.producer_id) {
        (Some(name), _) => format!(" of producer {name:?}"),
        (None, Some(number)) => format!(" of producer number {number}"),
        (None, None) => String::new(),
    };
    let since = open
        .since_ms
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(String::new, |since| format!(" since {since:.0}"));
    format!(
        "partition {}: an open transaction{producer} holds back {} offsets from {} on{since}; Kafka aborts it when its transaction.timeout.ms is over",
        open.partition, open.waiting, open.first_offset
    )
}

/// Checks regularly for transactions that block the partitions of this consumer.
pub async fn watch_transactions(bus: Config, progress: Progress, stop: CancellationToken) {
    let clients = Cluster::new(&bus).and_then(|cluster| {
        let open = OpenTransactions::new(&bus)?;
        Ok(Arc::new((cluster, open)))
    });
    let clients = match clients {
        Ok(clients) => clients,
        Err(error) => {
            tracing::error!(%error, "open transactions are not watched");
            return;
        }
    };
    let mut seen = BTreeMap::new();
    loop {
        if stop
            .run_until_cancelled(tokio::time::sleep(LOOK))
            .await
            .is_none()
        {
            return;
        }
        let (asked, owned) = (Arc::clone(&clients), progress.owned());
        let answer = tokio::task::spawn_blocking(move || asked.1.of(&asked.0, &owned));
        match answer.await {
            Ok(Ok(open)) => {
                progress.set_open_transactions(&open);
                say(&mut seen, &open, Instant::now());
            }
            Ok(Err(error)) => tracing::debug!(%error, "open transactions are not known"),
            Err(error) => tracing::warn!(%error, "open transactions are not known"),
        }
    }
}

/// Open transaction that was seen in an earlier check.
struct SeenTransaction {
    since: Instant,
    is_said: bool,
}

/// Logs a transaction once when it has been open for long, and again when it ends.
fn say(seen: &mut BTreeMap<(i32, i64), SeenTransaction>, open: &[OpenTransaction], now: Instant) {
    seen.retain(|(partition, offset), one| {
        let is_open = open
            .iter()
            .any(|found| (found.partition, found.first_offset) == (*partition, *offset));
        if !is_open && one.is_said {
            tracing::info!(partition, offset, "the open transaction has ended");
        }
        is_open
    });
    for found in open {
        let place = (found.partition, found.first_offset);
        let one = seen.entry(place).or_insert(SeenTransaction {
            since: now,
            is_said: false,
        });
        if !one.is_said && now.duration_since(one.since) >= SAID_AFTER {
            one.is_said = true;
            tracing::warn!("{}", sentence(found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(transactional_id: Option<&str>) -> OpenTransaction {
        OpenTransaction {
            partition: 3,
            first_offset: 12,
            waiting: 5,
            producer_id: Some(4001),
            transactional_id: transactional_id.map(str::to_owned),
            since_ms: Some(1_490_515_200_000),
        }
    }

    #[test]
    fn an_open_transaction_is_named() {
        let told = sentence(&open(Some("portal-1")));
        assert!(told.starts_with("partition 3: an open transaction of producer \"portal-1\" holds back 5 offsets from 12 on since 2017-03-26T08:00:00Z"), "{told}");
        assert!(sentence(&open(None)).contains("producer number 4001"));
    }

    #[test]
    fn an_open_transaction_is_logged_once_and_not_at_once() {
        let (mut seen, now) = (BTreeMap::new(), Instant::now());
        say(&mut seen, &[open(None)], now);
        assert!(!seen[&(3, 12)].is_said);
        say(&mut seen, &[open(None)], now + SAID_AFTER);
        assert!(seen[&(3, 12)].is_said);
        say(&mut seen, &[], now + SAID_AFTER);
        assert!(seen.is_empty());
    }
}
