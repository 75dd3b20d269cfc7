//! Logging, metrics and shutdown, shared by every command.
//!
//! Logs go to standard error, results to standard output. [`Stop`] is how a command is told to
//! finish what it has begun and end. [`Metrics`] counts what a process does, for Prometheus.

mod logging;
mod metrics;
mod process;
mod stop;
pub mod trace;

pub use logging::{Format, start_logging};
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};
pub use stop::Stop;
