//! A seeded stream of usage events whose totals are given beforehand.
//!
//! The totals are printed figures of a year: service uses by category, ente and kind, users of
//! the mean hour by band of the day, and shares of devices. [`Simulation`] emits events that
//! look real and add up to exactly those figures, in the order of time and in small memory
//! whatever their number. The same seed gives the same bytes for ever; another seed gives
//! another stream with the same totals.
//!
//! On top of the figures, and left out on demand, come service uses that were abandoned or
//! failed and accesses by bots, which the figures do not count.
//!
//! This crate reads files of figures only when asked to ([`Figures::from_dir`]), and writes
//! nothing: where the events go is the caller's business.
//!
//! ```
//! use affluenza_register::Register;
//! use affluenza_simulator::{Figures, Options, Simulation};
//!
//! let register = Register::parse(include_str!("../../../deploy/register.toml")).unwrap();
//! let figures = Figures::focus(2017).unwrap();
//! let options = Options { scale: 0.001, ..Options::default() };
//! let mut simulation = Simulation::new(&figures, &register, &options).unwrap();
//! let total = simulation.total();
//! let mut json = Vec::new();
//! let mut emitted = 0;
//! while let Some((time, key)) = simulation.next_into(&mut json) {
//!     assert!(affluenza_event::parse(&json, time).is_ok());
//!     assert!(!key.as_bytes().is_empty());
//!     emitted += 1;
//! }
//! assert_eq!(emitted, total);
//! ```

mod agents;
mod apportion;
mod calendar;
mod error;
mod figures;
mod people;
mod plan;
mod random;
mod record;
mod schedule;
mod simulation;
mod slice;
mod table;
mod urn;

pub use error::{FiguresError, SimulationError};
pub use figures::Figures;
pub use record::Key;
pub use schedule::Counts;
pub use simulation::{Options, Record, Simulation};

/// Largest scale: a hundred thousand years of 2017 in one.
pub const SCALE_MAX: f64 = 100_000.0;

/// Most events of a sort: shares are computed in floating point, exact up to 2^53.
pub(crate) const COUNT_MAX: u64 = 1 << 52;

/// Service uses abandoned or failed, as a share of those completed.
pub(crate) const ATTEMPTS_SHARE: f64 = 0.02;
