//! Logging and shutdown, shared by every command.
//!
//! Logs go to standard error, results to standard output. [`Stop`] is how a command is told to
//! finish what it has begun and end.

mod logging;
mod stop;

pub use logging::{Format, start_logging};
pub use stop::Stop;
