use std::path::PathBuf;

use affluenza_words::Language;

use super::{environment_language, language};

#[derive(Debug, clap::Args)]
pub struct ImportFigures {
    /// TOML file that describes the figures, their source, and the CSV file next to it that holds
    /// them.
    pub file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct CheckData {
    /// Year whose stored figures are checked, with the figures of other sources.
    #[arg(long, required_unless_present = "figures")]
    pub year: Option<i16>,
    /// Folder with printed figures to check: usage_by_category.csv, deployments_YEAR.csv,
    /// credentials_by_year.csv, printed_changes.csv, as far as present.
    #[arg(long, value_name = "DIR")]
    pub figures: Option<PathBuf>,
    /// Language of the findings. Default: that of the environment.
    #[arg(long, value_parser = language(), default_value_t = environment_language(), hide_default_value = true)]
    pub lang: Language,
}
