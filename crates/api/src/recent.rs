//! Answers from a moment ago. Clients that poll get them while new figures are read, so that no poll
//! waits for ClickHouse.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use quick_cache::sync::Cache;

use crate::basis::{Basis, minute};
use crate::compose::Viewer;
use crate::question::{Question, Resource};
use crate::reply::AnswerFormat;
use crate::state::Snapshot;

/// Age up to which the figures of an answer are not read again.
const FRESH: Duration = Duration::from_secs(1);
/// Age up to which an answer is given while its figures are read again.
const RECENT: Duration = Duration::from_secs(3);
/// Largest number of questions that are remembered.
const QUESTIONS_MAX: usize = 2_000;

/// A question of a client with a key, with its period.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyedQuestion {
    pub question: Question,
    pub viewer: Viewer,
    pub format: AnswerFormat,
    /// Newest day with data, if the period is not over.
    pub reached: Option<Date>,
}

/// State of everything that a keyed answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerState {
    revision: u64,
    /// Changes with repairs, rebuilds, erasures, months in doubt and the register.
    generation: u64,
    /// Minute of an answer about the last minutes.
    minute: i64,
}

impl AnswerState {
    pub fn new(resource: Resource, snapshot: &Snapshot) -> Self {
        Self {
            revision: snapshot.revision,
            generation: snapshot.generation(),
            minute: minute(resource),
        }
    }
}

/// The last answers to questions.
pub(crate) struct RecentAnswers(Cache<KeyedQuestion, Arc<RecentAnswer>>);

struct RecentAnswer {
    basis: Basis,
    state: AnswerState,
    /// Last time at which the state was the newest.
    newest_at: Mutex<Instant>,
    /// True while a client reads the figures again.
    is_renewed: AtomicBool,
}

/// An answer that can be given at once.
pub(crate) struct RecentBasis {
    pub basis: Basis,
    /// True if the caller has to read the figures again.
    pub is_to_renew: bool,
}

impl Default for RecentAnswers {
    fn default() -> Self {
        Self(Cache::new(QUESTIONS_MAX))
    }
}

impl RecentAnswers {
    /// Returns the state of the data of the last answer, if that is still right, or lacks only events of
    /// the last moment.
    pub fn find(&self, asked: &KeyedQuestion, state: AnswerState) -> Option<RecentBasis> {
        let last = self.0.get(asked)?;
        let basis = last.basis;
        let mut newest_at = last
            .newest_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.state == state {
            *newest_at = Instant::now();
            let is_to_renew = false;
            return Some(RecentBasis { basis, is_to_renew });
        }
        let age = newest_at.elapsed();
        let is_recent = last.state.generation == state.generation && age < RECENT;
        is_recent.then(|| RecentBasis {
            basis,
            is_to_renew: age >= FRESH && !last.is_renewed.swap(true, Ordering::Relaxed),
        })
    }

    /// Remembers the state of the data of an answer.
    pub fn note(&self, asked: KeyedQuestion, basis: Basis, state: AnswerState) {
        let answer = RecentAnswer {
            basis,
            state,
            newest_at: Mutex::new(Instant::now()),
            is_renewed: AtomicBool::new(false),
        };
        self.0.insert(asked, Arc::new(answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> KeyedQuestion {
        KeyedQuestion {
            question: Question::parse(Resource::Categories, &[]).unwrap(),
            viewer: Viewer::Key(None),
            format: AnswerFormat::Json,
            reached: None,
        }
    }

    fn state(revision: u64) -> AnswerState {
        AnswerState {
            revision,
            generation: 0,
            minute: 0,
        }
    }

    impl RecentAnswers {
        /// Makes the answer to a question older.
        fn age(&self, asked: &KeyedQuestion, by: Duration) {
            let answer = self.0.get(asked).unwrap();
            let mut newest_at = answer.newest_at.lock().unwrap();
            *newest_at = newest_at.checked_sub(by).unwrap();
        }
    }

    #[test]
    fn an_answer_of_a_moment_ago_is_given_while_one_client_renews_it() {
        let (recent, asked) = (RecentAnswers::default(), asked());
        let found = |revision| {
            let found = recent.find(&asked, state(revision));
            found.map(|found| found.is_to_renew)
        };
        assert_eq!(found(1), None);
        recent.note(asked.clone(), Basis::default(), state(1));
        assert_eq!(found(1), Some(false));
        // Nothing has changed: its age does not matter.
        recent.age(&asked, RECENT);
        assert_eq!(found(1), Some(false));
        // Figures have changed just now.
        assert_eq!(found(2), Some(false));
        recent.age(&asked, FRESH);
        assert_eq!([found(2), found(2)], [Some(true), Some(false)]);
        // Figures were erased, repaired or put in doubt.
        let changed = AnswerState {
            generation: 1,
            ..state(2)
        };
        assert!(recent.find(&asked, changed).is_none());
        // The renewal takes too long.
        recent.age(&asked, RECENT);
        assert_eq!(found(2), None);
        recent.note(asked.clone(), Basis::default(), state(2));
        assert_eq!(found(2), Some(false));
    }

    #[test]
    fn other_questions_have_other_answers() {
        let (recent, asked) = (RecentAnswers::default(), asked());
        recent.note(asked.clone(), Basis::default(), state(1));
        for other in [
            KeyedQuestion {
                format: AnswerFormat::Csv(crate::answer::Flavour::Tidy),
                ..asked.clone()
            },
            KeyedQuestion {
                viewer: Viewer::Key(Some(vec!["c_a".to_owned()])),
                ..asked.clone()
            },
        ] {
            assert!(recent.find(&other, state(1)).is_none());
        }
    }
}
