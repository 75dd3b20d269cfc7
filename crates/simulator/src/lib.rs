#![doc = include_str!("../README.md")]

mod agents;
mod apportion;
mod busyness;
mod error;
mod figures;
mod plan;
mod quota;
mod random;
mod record;
mod region;
mod schedule;
mod simulation;
mod slice;
mod visits;

pub use error::{FiguresError, SimulationError};
pub use figures::TargetFigures;
pub use record::RecordKey;
pub use region::{RegionError, RegionSize, region_files};
pub use simulation::{Counts, Options, PlannedUses, Simulation};

/// Maximum scale: one year then has the events of a hundred thousand.
pub const SCALE_MAX: f64 = 100_000.0;

/// Maximum count of each type of event. Shares are computed in floating point, which is exact up to
/// 2^53.
pub(crate) const COUNT_MAX: u64 = 1 << 52;
