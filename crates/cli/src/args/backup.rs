//! Arguments of `affluenza backup` and `affluenza restore`.

use super::OutputFormat;

/// Backup to write.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// Name of the backup, such as 2026-03-01.
    pub name: String,
    /// Earlier backup: write only newer data. A restore needs both backups. Default: a full backup.
    #[arg(long, value_name = "NAME")]
    pub base: Option<String>,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// Backup to restore.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// Name of the backup.
    pub name: String,
    /// Name under which the rows of an existing, damaged database are kept as evidence.
    #[arg(long, value_name = "DATABASE")]
    pub set_aside: Option<String>,
}
