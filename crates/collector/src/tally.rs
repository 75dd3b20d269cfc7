//! How much was refused, by ente, producer and reason, for the accounts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::outcome::Reason;

/// Most rows that are kept between two reports; what is more counts for an ente and a producer
/// without a name. It bounds what forged names can take up.
const ROWS_MAX: usize = 10_000;

/// Whose events, by whom, and why they were refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// `key-` and the key's id, or `page-` and the page's name.
    pub producer: String,
    /// Code of the ente; empty where none could be told.
    pub ente: String,
    /// Why they were refused.
    pub reason: Reason,
}

/// Counts between two reports.
#[derive(Default)]
pub struct Tally(Mutex<HashMap<Row, u64>>);

impl Tally {
    /// Adds to a row.
    pub fn add(&self, mut row: Row, count: u64) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= ROWS_MAX && !held.contains_key(&row) {
            row.ente.clear();
            row.producer.clear();
        }
        *held.entry(row).or_default() += count;
    }

    /// Takes what was counted, in order.
    pub fn take(&self) -> Vec<(Row, u64)> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<(Row, u64)> = held.drain().collect();
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
            let row = Row {
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
