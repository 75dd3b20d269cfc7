//! Generates a seeded stream of usage events with given totals.
//!
//! The totals are printed figures of a year: service uses by category, ente and kind, mean users
//! per hour by band of the day, and shares of devices. [`Simulation`] emits realistic events in
//! time order that add up to exactly those figures. Memory does not depend on their number. A seed
//! always gives the same bytes; another seed gives another stream with the same totals.
//!
//! The stream also has abandoned and failed service uses and accesses by bots, which the figures do
//! not count. Both can be disabled.
//!
//! The crate reads files only in [`Figures::from_dir`] and writes none; the caller delivers the
//! events.
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

/// Maximum scale: one year then has the events of a hundred thousand.
pub const SCALE_MAX: f64 = 100_000.0;

/// Maximum count of each type of event. Shares are computed in floating point, which is exact up to
/// 2^53.
pub(crate) const COUNT_MAX: u64 = 1 << 52;

/// Ratio of abandoned and failed service uses to completed ones.
pub(crate) const ATTEMPTS_SHARE: f64 = 0.02;
