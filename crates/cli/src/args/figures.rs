use std::path::PathBuf;

use super::Language;

#[derive(Debug, clap::Args)]
pub struct ImportFigures {
    /// TOML file that says what the figures are, where they come from, and in which CSV file
    /// beside it they are.
    pub file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct CheckData {
    /// Check what is stored of this year, and the figures of other sources.
    #[arg(long, required_unless_present = "figures")]
    pub year: Option<i16>,
    /// Check a folder of printed figures: usage_by_category.csv, deployments_YEAR.csv,
    /// credentials_by_year.csv, printed_changes.csv, those that are there.
    #[arg(long, value_name = "DIR")]
    pub figures: Option<PathBuf>,
    /// Language of the findings.
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
}
