//! What can be typed to erase.

/// Which events to erase, and why.
#[derive(Debug, clap::Args)]
pub struct Erase {
    /// Public body: a code or name in the register, or the code that events say.
    #[arg(long, value_name = "CODE")]
    pub ente: String,
    /// Portal; all of the public body without.
    #[arg(long, value_name = "CODE")]
    pub portal: Option<String>,
    /// Local days: a year, a month or a day, or FROM..TO; all without.
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// Who ordered it and on what ground; it is kept for ever, so no name belongs here.
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Count what would go, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}
