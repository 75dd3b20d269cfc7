//! What can be typed about backups.

/// A backup to write.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// Its name, such as 2026-03-01.
    pub name: String,
    /// An earlier backup: only what is newer is written. Both are needed to restore.
    #[arg(long, value_name = "NAME")]
    pub base: Option<String>,
}

/// A backup to bring back.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// Its name.
    pub name: String,
    /// Name for a damaged database that is there: its rows are kept under it, as evidence.
    #[arg(long, value_name = "DATABASE")]
    pub set_aside: Option<String>,
}
