//! The usage tables of a year: from figures, register and time zone to a [`Report`], and from
//! there to JSON or to text for a terminal, in Italian or English.
//!
//! What it does not do: it asks nothing of ClickHouse (the store hands over [`YearFigures`]),
//! reads no file and no clock, and gives no opinion on a year that is not over: its hours are
//! those of the whole year.
//!
//! * [`tables`]: the figures, one module a table, with what every figure means. They are what
//!   JSON shows: numbers unrounded, unit in the name of the field, `null` where there is none.
//! * [`Notice`]: what a reader must know before trusting the figures.
//! * [`document`]: sections, tables and charts in one language, which every printed form is made of.
//! * [`SealedYear`]: what a closed year is made of, chained by hashes.
//! * [`Language`]: the text, with numbers as the language writes them.
//!
//! ```
//! use affluenza_classify::hours::Zone;
//! use affluenza_report::{Language, Question, Report};
//! use affluenza_store::figures::{Counted, YearFigures};
//!
//! let register = affluenza_register::Register::parse("").unwrap();
//! let question = Question {
//!     year: 2019,
//!     counted: Counted::People,
//!     ente: None,
//!     register: &register,
//!     zones: &[Zone::default()],
//! };
//! let report = Report::build(&question, &YearFigures::default(), None).unwrap();
//! assert!(report.to_text(Language::English, 80).contains("No data for 2019"));
//! assert_eq!(report.totals.growth_percent, None);
//! ```
//!
//! [`YearFigures`]: affluenza_store::figures::YearFigures

pub mod document;
mod moved;
mod names;
mod notice;
mod ratio;
mod report;
mod scope;
mod seal;
pub mod sources;
pub mod tables;
mod text;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use moved::{Moved, MovedPart, moved};
pub use notice::{AcceptedLoss, Notice};
pub use report::{Question, Report};
pub use scope::NoDetail;
pub use seal::{BrokenSeal, Seal, SealNote, SealedYear, verify};
pub use text::{Language, UnknownLanguage};
