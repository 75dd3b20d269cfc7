//! Arguments of `affluenza erase`.

use super::OutputFormat;

/// Order to erase events.
#[derive(Debug, clap::Args)]
pub struct Erase {
    /// Public body: a code or name in the register, or the code in the events.
    #[arg(long, value_name = "CODE")]
    pub ente: String,
    /// Portal. Default: all portals of the public body.
    #[arg(long, value_name = "CODE")]
    pub portal: Option<String>,
    /// Local days: a year, a quarter, a month or a day, or FROM..TO. Default: all.
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// Authority and legal ground of the order; stored permanently, so it must not contain names.
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Count the affected events, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}
