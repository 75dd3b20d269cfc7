//! Logging, metrics and shutdown, shared by every command.
//!
//! Logs go to standard error, results to standard output. [`Stop`] is how a command is told to
//! finish what it has begun and end. [`Files`] tells of files that are replaced meanwhile. [`Metrics`] counts what a process does, for Prometheus.

mod files;
mod logging;
mod metrics;
mod process;
mod stop;
pub mod trace;

pub use files::Files;
pub use logging::{Format, start_logging};
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};
pub use stop::Stop;
