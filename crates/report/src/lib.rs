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
//! * [`SealedYear`]: what a closed year is made of, chained by hashes.
//! * [`Language`]: the text, with numbers as the language writes them.
//!
//! ```
//! use affluenza_classify::hours::Zone;
//! use affluenza_report::{Language, Report};
//! use affluenza_store::figures::{Counted, YearFigures};
//!
//! let register = affluenza_register::Register::parse("").unwrap();
//! let report = Report::build(2019, Counted::People, &YearFigures::default(), None, &register, &Zone::default());
//! assert!(report.to_text(Language::English, 80).contains("No data for 2019"));
//! assert_eq!(report.totals.growth_percent, None);
//! ```
//!
//! [`YearFigures`]: affluenza_store::figures::YearFigures

mod names;
mod notice;
mod ratio;
mod report;
mod seal;
pub mod tables;
mod text;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use notice::Notice;
pub use report::Report;
pub use seal::{BrokenSeal, Seal, SealNote, SealedYear, verify};
pub use text::{Language, UnknownLanguage};
