use std::path::PathBuf;

use clap::ValueEnum;

use super::{Clock, Count, Language};

#[derive(Debug, Clone, clap::Args)]
pub struct Report {
    /// Year to report on.
    #[arg(long)]
    pub year: i16,
    /// The edition that everybody may see: small counts left out, with all that gives them away.
    #[arg(long, conflicts_with_all = ["ente", "every_ente"])]
    pub public: bool,
    /// Year to compare with; the year before without.
    #[arg(long, value_name = "YEAR")]
    pub compare: Option<i16>,
    /// One public body only: a code or name in the register.
    #[arg(long)]
    pub ente: Option<String>,
    /// A report for each public body of the register, into the folder that --output names.
    #[arg(long, conflicts_with = "ente", requires = "output")]
    pub every_ente: bool,
    /// Whose use is counted.
    #[arg(long, value_enum, default_value_t = Count::People)]
    pub count: Count,
    /// As classified when: a closed year as it was closed, or every year by the present facts.
    #[arg(long, value_enum, default_value_t = Clock::Then)]
    pub classified: Clock,
    /// Language of the report.
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// Form of the report; by the name of the file without, and text where there is none; PDF with
    /// --every-ente.
    #[arg(long, value_enum)]
    pub format: Option<ReportFormat>,
    /// File to write, or folder with --every-ente; standard output without.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Tables for a terminal.
    Text,
    /// One JSON document: numbers unrounded, units in the names.
    Json,
    /// One HTML file, for browsers and A4 paper, with nothing beside it.
    Html,
    /// A PDF for A4 paper, tagged for screen readers (PDF/UA-1).
    Pdf,
    /// A workbook, a sheet a table.
    Xlsx,
    /// One figure a line: commas, decimal points, UTF-8.
    Csv,
    /// The same as Excel opens it where it is set to Italian: semicolons, decimal commas.
    CsvIt,
}

impl ReportFormat {
    /// The format that was asked for, or that the name of the file tells.
    pub fn of(report: &Report) -> Self {
        let by_name = || {
            let name = report.output.as_ref()?.extension()?.to_str()?;
            Self::from_str(name, true).ok()
        };
        report.format.or_else(by_name).unwrap_or(Self::Text)
    }

    /// What names of its files end in.
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

    /// Whether it is nothing that a terminal can show.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Xlsx | Self::Pdf)
    }
}
