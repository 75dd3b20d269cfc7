//! The usage tables of a year. Figures, register and time zones become a [`Report`], and the report
//! becomes JSON or text for a terminal, in Italian or English.
//!
//! This crate does not query ClickHouse (the store passes [`YearFigures`]), and reads no file and
//! no clock. It does not support years that are not over: mean users are divided by the hours of
//! the whole year.
//!
//! * [`tables`]: the figures, one module a table. JSON shows them as they are: numbers unrounded,
//!   the unit in the field name, `null` for a missing figure.
//! * [`Notice`]: cautions to read before trusting the figures.
//! * [`document`]: sections, tables and charts in one language. Every printed form is made from it.
//! * [`SealedYear`]: the content of a closed year, chained by hashes.
//! * [`Language`]: the languages of the text, with their number formats. The words of a language
//!   are one Fluent catalogue in `words/`. Another language needs a catalogue and a variant.
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

mod count;
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
mod public_tests;
#[cfg(test)]
mod tests;

pub use moved::{Moved, MovedPart, moved};
pub use notice::{AcceptedLoss, Notice};
pub use report::{Question, Report};
pub use scope::NoDetail;
pub use seal::{BrokenSeal, Seal, SealNote, SealedYear, verify};
pub use text::{Language, UnknownLanguage};
