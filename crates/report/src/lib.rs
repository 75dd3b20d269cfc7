#![doc = include_str!("../README.md")]

mod count;
pub mod document;
pub mod face;
mod findings;
mod moved;
mod names;
mod notice;
mod period;
pub mod print;
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

pub use findings::{ComparedShare, Growth, ServiceChange, Share, YearFinding};
pub use moved::{Moved, MovedPart, moved};
pub use notice::{AcceptedLoss, Notice};
pub use period::{ReportPeriod, UnknownPeriod};
pub use report::{Report, ReportRequest};
pub use scope::FiguresByEnte;
pub use seal::{BrokenSeal, Seal, SealContentWriter, SealNote, SealedYear, verify};
