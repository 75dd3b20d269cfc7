use std::path::PathBuf;

use affluenza_words::Language;
use clap::ValueEnum;

use super::{Clock, Counting, language};

#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    /// Year to report on.
    #[arg(long)]
    pub year: i16,
    /// Print the public edition, in which small counts are suppressed, with all counts that would
    /// reveal them.
    #[arg(long, conflicts_with_all = ["ente", "every_ente"])]
    pub public: bool,
    /// Year to compare with. Default: the previous year.
    #[arg(long, value_name = "YEAR")]
    pub compare: Option<i16>,
    /// Public body of the report: a code or name in the register. Default: all.
    #[arg(long)]
    pub ente: Option<String>,
    /// Write a report for each public body of the register into the folder --output.
    #[arg(long, conflicts_with = "ente", requires = "output")]
    pub every_ente: bool,
    /// Visitors whose use is counted.
    #[arg(long, value_enum, default_value_t = Counting::People)]
    pub count: Counting,
    /// Classification of the events: as it was when the year was closed, or by the present facts.
    #[arg(long, value_enum, default_value_t = Clock::Then)]
    pub classified: Clock,
    /// Language of the report.
    #[arg(long, value_parser = language(), default_value_t = Language::EN)]
    pub lang: Language,
    /// Format of the report. Default: by the extension of the output file, otherwise text; PDF with
    /// --every-ente.
    #[arg(long, value_enum)]
    pub format: Option<ReportFormat>,
    /// File to write, or folder with --every-ente. Default: standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl ReportArgs {
    /// Returns the arguments of a year without options.
    pub fn of_year(year: i16, compare: Option<i16>, lang: Language) -> Self {
        Self {
            year,
            public: false,
            compare,
            ente: None,
            every_ente: false,
            count: Counting::People,
            classified: Clock::Then,
            lang,
            format: None,
            output: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Tables for a terminal.
    Text,
    /// One JSON document with unrounded numbers and units in the names.
    Json,
    /// One self-contained HTML file, for browsers and A4 paper.
    Html,
    /// PDF for A4 paper, tagged for screen readers (PDF/UA-1).
    Pdf,
    /// Workbook with a sheet for each table.
    Xlsx,
    /// CSV with one figure a line: commas, decimal points, UTF-8.
    Csv,
    /// CSV for Excel with Italian settings: semicolons, decimal commas.
    CsvIt,
}

impl ReportFormat {
    /// Returns the given format, or else that of the file's extension, or else text.
    pub fn of(report: &ReportArgs) -> Self {
        report
            .format
            .or_else(|| {
                let name = report.output.as_ref()?.extension()?.to_str()?;
                Self::from_str(name, true).ok()
            })
            .unwrap_or(Self::Text)
    }

    /// Returns the file extension of the format.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json => "json",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Xlsx => "xlsx",
            Self::Csv | Self::CsvIt => "csv",
        }
    }

    /// True if a terminal cannot show the format.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Xlsx | Self::Pdf)
    }
}
