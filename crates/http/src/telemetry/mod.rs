#![doc = include_str!("README.md")]

mod files;
mod logging;
mod metrics;
mod process;
mod stop;
pub mod trace;

pub use files::Files;
pub use logging::{Format, start_logging};
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};
pub use stop::cancelled_by_signals;
pub use tokio_util::sync::CancellationToken;
