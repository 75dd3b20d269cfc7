//! What an import found.

use std::fmt;

use affluenza_event::{Outcome, Resource, UnixMillis};

use crate::Fault;

/// How many malformed lines are listed; all are counted.
pub const MALFORMED_LISTED_MAX: usize = 20;

/// Counts of an import. Every line is in exactly one: `lines` = [`events`](Self::events) +
/// `malformed` + `blank`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Inputs opened.
    pub inputs: u64,
    /// Lines read.
    pub lines: u64,
    /// Events for pages.
    pub pages: u64,
    /// Events for parts of pages.
    pub assets: u64,
    /// Lines that are no request.
    pub malformed: u64,
    /// Lines with nothing on them.
    pub blank: u64,
    /// Of the events: those of requests that failed.
    pub failed: u64,
    /// Of the events: those of lines that cannot be told from an earlier one, once addresses
    /// are truncated. They are separate requests within one second, and counted as such. More
    /// than a few in a hundred hint at files that overlap.
    pub repeated: u64,
    /// Of the events: those with no address, since the log has a name or nothing in its place.
    pub without_address: u64,
    /// Earliest and latest time of the events.
    pub period: Option<(UnixMillis, UnixMillis)>,
    /// The first [`MALFORMED_LISTED_MAX`] malformed lines.
    pub first_malformed: Vec<Malformed>,
    /// Files that were not read, since an earlier one has the same content.
    pub same_content: Vec<SameContent>,
}

/// A line that is no request. Its content is not kept: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Name of the input.
    pub name: String,
    /// Number of the line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// A file with the same content as an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameContent {
    /// The file that was not read.
    pub name: String,
    /// The one that was.
    pub earlier: String,
}

impl Summary {
    /// Events made.
    pub fn events(&self) -> u64 {
        self.pages + self.assets
    }

    pub(crate) fn count_malformed(&mut self, name: &str, line: u64, fault: Fault) {
        self.malformed += 1;
        if self.first_malformed.len() < MALFORMED_LISTED_MAX {
            self.first_malformed.push(Malformed {
                name: name.to_owned(),
                line,
                fault,
            });
        }
    }

    pub(crate) fn count_event(&mut self, made: &Made) {
        match made.resource {
            Resource::Page => self.pages += 1,
            Resource::Asset => self.assets += 1,
        }
        self.failed += u64::from(made.outcome == Outcome::Failed);
        self.repeated += u64::from(made.is_repeat);
        self.without_address += u64::from(!made.has_address);
        let (earliest, latest) = self.period.unwrap_or((made.instant, made.instant));
        self.period = Some((earliest.min(made.instant), latest.max(made.instant)));
    }
}

/// What the summary wants to know of an event.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) resource: Resource,
    pub(crate) outcome: Outcome,
    pub(crate) instant: UnixMillis,
    pub(crate) is_repeat: bool,
    pub(crate) has_address: bool,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.name, self.line, self.fault)
    }
}

impl fmt::Display for SameContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has the same content as {}", self.name, self.earlier)
    }
}
