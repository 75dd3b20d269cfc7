//! Summary of an import.

use std::fmt;

use affluenza_event::{Outcome, Resource, UnixMillis};

use crate::{LayoutFound, LineFault};

/// Maximum number of malformed lines in the list; all are counted.
pub const MALFORMED_LISTED_MAX: usize = 20;

/// Counts of an import. Every line counts once: `lines` = [`events`](Self::events) + `malformed` +
/// `blank`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of inputs opened.
    pub inputs: u64,
    /// Number of lines read.
    pub lines: u64,
    /// Events for pages, without error answers.
    pub pages: u64,
    /// Events for parts of pages, without error answers.
    pub assets: u64,
    /// Lines that are not a valid request.
    pub malformed: u64,
    /// Blank lines, and headers of the W3C format.
    pub blank: u64,
    /// Events of requests that were answered with an error.
    pub failed: u64,
    /// Events whose line equals an earlier one after the address is truncated. They are separate
    /// requests within one second, so they count. More than a few percent suggest overlapping
    /// files.
    pub repeated: u64,
    /// Events without an address: the log has a host name or no client.
    pub without_address: u64,
    /// Earliest and latest event time.
    pub period: Option<(UnixMillis, UnixMillis)>,
    /// First malformed lines, at most [`MALFORMED_LISTED_MAX`].
    pub first_malformed: Vec<Malformed>,
    /// True if the file of the last position is gone, so lines between two runs may be missing.
    pub is_interrupted: bool,
    /// Rotated files of a followed log that cannot be read, with the reason. Their lines are missing.
    pub not_read: Vec<String>,
    /// Layouts of the inputs, in order.
    pub layouts: Vec<LayoutFound>,
    /// Files that were skipped because an earlier file has the same content.
    pub same_content: Vec<SameContent>,
}

/// A malformed line. Its content is not kept, because it may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Name of the input.
    pub name: String,
    /// Number of the line, from 1.
    pub line: u64,
    /// Fault of the line.
    pub fault: LineFault,
}

/// A file with the same content as an earlier file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameContent {
    /// Skipped file.
    pub name: String,
    /// Earlier file with the same content.
    pub earlier: String,
}

impl Summary {
    /// Number of events.
    pub fn events(&self) -> u64 {
        self.pages + self.assets + self.failed
    }

    pub(crate) fn count_malformed(&mut self, name: &str, line: u64, fault: LineFault) {
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
            _ if made.outcome == Outcome::Failed => self.failed += 1,
            Resource::Page => self.pages += 1,
            Resource::Asset => self.assets += 1,
        }
        self.repeated += u64::from(made.is_repeat);
        self.without_address += u64::from(!made.has_address);
        let (earliest, latest) = self.period.unwrap_or((made.instant, made.instant));
        self.period = Some((earliest.min(made.instant), latest.max(made.instant)));
    }
}

/// Facts about an event that the summary counts.
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
