//! Counts refused events by ente, producer and reason, for the accounts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::outcome::Reason;

/// Limit of rows between two reports. Further rows count for an empty ente and producer, which
/// bounds the memory that forged names can use.
const ROWS_MAX: usize = 10_000;

/// Key of a count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountKey {
    /// `key-` and the id of the key, or `page-` and the name of the page.
    pub producer: String,
    /// Code of the ente; empty if unknown.
    pub ente: String,
    /// Reason of the refusals.
    pub reason: Reason,
}

/// Counts since the last report.
#[derive(Default)]
pub struct Tally(Mutex<HashMap<CountKey, u64>>);

impl Tally {
    /// Adds `count` to a row.
    pub fn add(&self, mut row: CountKey, count: u64) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= ROWS_MAX && !held.contains_key(&row) {
            row.ente.clear();
            row.producer.clear();
        }
        *held.entry(row).or_default() += count;
    }

    /// Takes all rows, sorted.
    pub fn take(&self) -> Vec<(CountKey, u64)> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<(CountKey, u64)> = held.drain().collect();
        rows.sort();
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_uncounted_and_memory_is_bounded() {
        let tally = Tally::default();
        for number in 0..2 * ROWS_MAX {
            let row = CountKey {
                ente: format!("e{number}"),
                producer: "key-1".into(),
                reason: Reason::ForeignEnte,
            };
            tally.add(row, 2);
        }
        let rows = tally.take();
        assert!(rows.len() <= ROWS_MAX + 1);
        let sum: u64 = rows.iter().map(|(_, count)| count).sum();
        assert_eq!(sum, 4 * ROWS_MAX as u64);
        assert!(tally.take().is_empty());
    }
}
