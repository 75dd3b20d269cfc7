use std::path::PathBuf;

use affluenza_words::Language;

use super::{OutputFormat, environment_language, language};

#[derive(Debug, clap::Args)]
pub struct ImportFigures {
    /// TOML file that describes the figures, their source, and the CSV file next to it that holds
    /// them.
    #[arg(required_unless_present_any = ["list", "remove"])]
    pub file: Option<PathBuf>,
    /// Check the files only, and print what their import would do.
    #[arg(long, requires = "file")]
    pub dry_run: bool,
    /// Print all imports, and the years that they are used for.
    #[arg(long, conflicts_with = "file")]
    pub list: bool,
    /// Take back the import with this number. Earlier figures of its years are used again.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["file", "list"])]
    pub remove: Option<u32>,
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
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}
