//! State shared by the emitter and its sending thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use affluenza_event::wire::Dropped;

/// Limit of entries in a report.
const DROPPED_MAX: usize = 1_000;

/// Counts of the events so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Events accepted by [`crate::Emitter::emit`].
    pub emitted: u64,
    /// Events that an earlier process left in the spool.
    pub found: u64,
    /// Events that the collector accepted.
    pub sent: u64,
    /// Events that are neither accepted nor refused yet.
    pub pending: u64,
    /// Events in the spool.
    pub spooled: u64,
    /// Dropped events by reason, since the start of the process.
    pub dropped: BTreeMap<String, u64>,
    /// Failed attempts to send a batch. Each is followed by a retry.
    pub failures: u64,
    /// Error of the last failed attempt; empty if the last batch was accepted.
    pub last_failure: String,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) sequence: AtomicU64,
    pub(crate) emitted: AtomicU64,
    /// True during a flush: skips pauses.
    pub(crate) hurry: AtomicBool,
    pub(crate) closing: AtomicBool,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) found: u64,
    pub(crate) sent: u64,
    /// Events taken from the queue that the collector refused.
    pub(crate) refused: u64,
    pub(crate) spooled: u64,
    pub(crate) failures: u64,
    pub(crate) last_failure: String,
    pub(crate) ended: bool,
    /// Dropped events since the last report, by ente and reason.
    unreported: BTreeMap<(String, String), u64>,
    dropped: BTreeMap<String, u64>,
}

impl Shared {
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the progress and notifies waiting threads.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress());
        self.changed.notify_all();
    }

    /// Waits until `is_done` returns true, at most `patience`. Returns its last result.
    pub(crate) fn wait(
        &self,
        patience: std::time::Duration,
        mut is_done: impl FnMut(&Progress) -> bool,
    ) -> bool {
        let (progress, _) = self
            .changed
            .wait_timeout_while(self.progress(), patience, |progress| !is_done(progress))
            .unwrap_or_else(PoisonError::into_inner);
        is_done(&progress)
    }

    /// Counts a dropped event.
    pub(crate) fn drop_event(&self, ente: &str, reason: &str) {
        let mut progress = self.progress();
        *progress.dropped.entry(reason.to_owned()).or_default() += 1;
        let reported = (plain(ente), plain(reason));
        *progress.unreported.entry(reported).or_default() += 1;
    }

    /// Removes and returns at most [`DROPPED_MAX`] unreported entries.
    pub(crate) fn take_unreported(&self) -> Vec<Dropped<'static>> {
        let mut progress = self.progress();
        let all = std::mem::take(&mut progress.unreported);
        let mut entries = all.into_iter();
        let taken = entries
            .by_ref()
            .take(DROPPED_MAX)
            .map(|((ente, reason), events)| Dropped {
                ente: ente.into(),
                reason: reason.into(),
                events,
            })
            .collect();
        progress.unreported = entries.collect();
        taken
    }

    /// Number of events that are neither accepted nor refused.
    pub(crate) fn pending(&self, progress: &Progress) -> u64 {
        let taken = self.emitted.load(Ordering::Acquire) + progress.found;
        taken.saturating_sub(progress.sent + progress.refused)
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let progress = self.progress();
        Statistics {
            emitted: self.emitted.load(Ordering::Acquire),
            found: progress.found,
            sent: progress.sent,
            pending: self.pending(&progress),
            spooled: progress.spooled,
            dropped: progress.dropped.clone(),
            failures: progress.failures,
            last_failure: progress.last_failure.clone(),
        }
    }
}

/// Returns a code that a report may carry. An invalid code becomes `unknown`, so that it does not
/// invalidate the report.
fn plain(code: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_good = !code.is_empty()
        && code.len() <= 64
        && code.bytes().all(is_plain)
        && affluenza_event::personal_data(code).is_none();
    if is_good {
        code.to_owned()
    } else {
        "unknown".to_owned()
    }
}
