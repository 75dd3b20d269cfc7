//! Search for events that are stored as more than one fact.
//!
//! The consumer that owns partition 0 searches the facts of new blocks every
//! `consume.copies_search_seconds`. Reconciliation and audit search a wider range.

use std::collections::BTreeMap;
use std::ops::Range;

use affluenza_kafka::{BusError, Cluster, Config as BusConfig};
use affluenza_store::copies::{COPIES_MAX, Precedence, Suspects};
use affluenza_store::{Facts, Store};

use crate::PipelineError;
use crate::reconcile::{Reconciled, correct};

/// Maximum number of offsets in one search. A backlog is searched in steps.
const OFFSETS_MAX: u64 = 50_000_000;

/// Returns the precedence of copies, given the present start of the log.
pub(crate) fn precedence(bus: &BusConfig, stream: &str) -> Result<Precedence, BusError> {
    let held = tokio::task::block_in_place(|| Cluster::new(bus)?.watermarks(&bus.topic))?;
    Ok(Precedence {
        stream: stream.to_owned(),
        held_from: held
            .into_iter()
            .map(|(partition, held)| (partition.0.unsigned_abs(), held.low.0.unsigned_abs()))
            .collect(),
    })
}

/// Searches the blocks written since the last search, and removes the copies found.
pub async fn search_new_blocks(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
) -> Result<Reconciled, PipelineError> {
    let mut done = Reconciled::default();
    loop {
        let unsearched = store.facts().unsearched(stream).await?;
        let (ranges, is_last) = first_offsets(unsearched);
        if ranges.is_empty() {
            return Ok(done);
        }
        let suspects = Suspects::Offsets(stream.to_owned(), ranges.clone());
        let precedence = precedence(bus, stream)?;
        let months = remove_copies(store.facts(), &suspects, &precedence, &mut done).await?;
        if !months.is_empty() {
            correct(store, stream, &months, &mut done).await?;
        }
        store.facts().note_search(stream, &ranges).await?;
        if is_last {
            return Ok(done);
        }
    }
}

/// Returns at most [`OFFSETS_MAX`] offsets, and true if no offset is left.
fn first_offsets(unsearched: BTreeMap<u32, Range<u64>>) -> (BTreeMap<u32, Range<u64>>, bool) {
    let mut room = OFFSETS_MAX;
    let mut is_all = true;
    let mut ranges = BTreeMap::new();
    for (partition, mut offsets) in unsearched {
        let end = offsets.end.min(offsets.start.saturating_add(room));
        is_all &= end == offsets.end;
        offsets.end = end;
        room -= offsets.end - offsets.start;
        if !offsets.is_empty() {
            ranges.insert(partition, offsets);
        }
    }
    (ranges, is_all)
}

/// Removes the copies of the `suspects`. Returns the months whose facts changed.
pub(crate) async fn remove_copies(
    facts: &Facts,
    suspects: &Suspects,
    precedence: &Precedence,
    done: &mut Reconciled,
) -> Result<Vec<u32>, PipelineError> {
    let mut months = Vec::new();
    loop {
        let copies = facts.copies(suspects, precedence).await?;
        let found = copies.len();
        months.extend(copies.iter().map(|copy| copy.month));
        let kept = facts.remove_copies(copies).await?;
        done.copies_removed += (found - kept.len()) as u64;
        // A copy is kept while its block differs from the ledger: once the block is restored, the
        // copy is found again.
        if found < COPIES_MAX || kept.len() == found {
            done.failures.extend(kept.iter().map(|copy| {
                format!(
                    "partition {} offset {}: a copy of the event of partition {} offset {}; the facts of its block differ from the ledger: `affluenza audit` names what is missing",
                    copy.kafka_partition, copy.kafka_offset, copy.first_partition, copy.first_offset
                )
            }));
            months.sort_unstable();
            months.dedup();
            return Ok(months);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_searched_in_steps() {
        let end = OFFSETS_MAX + 10;
        let (first, is_all) = first_offsets(BTreeMap::from([(0, 5..end), (1, 0..3)]));
        assert_eq!(first, BTreeMap::from([(0, 5..OFFSETS_MAX + 5)]));
        assert!(!is_all);
        let (rest, is_all) = first_offsets(BTreeMap::from([(0, OFFSETS_MAX + 5..end), (1, 0..3)]));
        assert_eq!(rest, BTreeMap::from([(0, OFFSETS_MAX + 5..end), (1, 0..3)]));
        assert!(is_all);
    }
}
