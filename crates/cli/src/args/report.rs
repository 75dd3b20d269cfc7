use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use affluenza_report::ReportPeriod;
use affluenza_words::Language;
use anyhow::{Result, bail};
use clap::ValueEnum;

use super::{Classified, Counting, environment_language, language};

#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    /// Year to report on, or a quarter or month: 2026, 2026-Q1, 2026-03. Of a period that is not over,
    /// the days up to the last full one with data. A report without data ends with exit code 3.
    #[arg(long, visible_alias = "period", value_name = "PERIOD")]
    pub year: ReportPeriod,
    /// Print the public edition, in which small counts are suppressed, with all counts that would
    /// reveal them.
    #[arg(long)]
    pub public: bool,
    /// Year to compare with, of which the same days are counted. Default: the previous year.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1970..=9998))]
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
    #[arg(long, value_enum, default_value_t = Classified::Then)]
    pub classified: Classified,
    /// Print an earlier edition of a closed year once more: the hash of its seal, or at least the first
    /// eight digits. Default: the newest.
    #[arg(long, value_name = "HASH", conflicts_with = "classified")]
    pub seal: Option<String>,
    /// Language of the report. Default: that of the environment.
    #[arg(long, value_parser = language(), default_value_t = environment_language(), hide_default_value = true)]
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
            year: ReportPeriod::of_year(year),
            public: false,
            compare,
            ente: None,
            every_ente: false,
            count: Counting::People,
            classified: Classified::Then,
            seal: None,
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
    /// One JSON document with unrounded numbers, of the schema `report.schema.json`.
    Json,
    /// One self-contained HTML file, for browsers and A4 paper.
    Html,
    /// PDF for A4 paper, tagged for screen readers (PDF/UA-1).
    Pdf,
    /// Slides as PDF, 16:9, tagged for screen readers: a slide for each chapter.
    Slides,
    /// Excel workbook with a sheet for each table, charts and filters.
    Xlsx,
    /// OpenDocument spreadsheet with a sheet for each table, charts and filters.
    Ods,
    /// CSV with one figure a line: commas, decimal points, UTF-8.
    Csv,
    /// CSV for Excel with Italian settings: semicolons, decimal commas, Italian headings.
    CsvIt,
}

impl ReportFormat {
    /// Returns the given format, or else that of the file's extension, or else text; PDF for a
    /// folder. An extension of another format is an error, and so is an unknown one without a
    /// format.
    pub fn of(report: &ReportArgs) -> Result<Self> {
        let name = report.output.as_deref().unwrap_or(Path::new(""));
        let ending = name.extension().unwrap_or_default().to_string_lossy();
        let ending = ending.to_ascii_lowercase();
        let named = Self::value_variants()
            .iter()
            .find(|format| format.ending() == ending);
        if report.every_ente {
            if named.is_some() {
                bail!(
                    "{} names a file, and --every-ente writes a folder",
                    name.display()
                );
            }
            return Ok(report.format.unwrap_or(Self::Pdf));
        }
        match (report.format, named) {
            (Some(format), Some(named)) if format.ending() != named.ending() => {
                let given = format.to_possible_value();
                bail!(
                    "--format says {} and {} says {ending}: leave one of the two out",
                    given
                        .as_ref()
                        .map_or(format.ending(), |given| given.get_name()),
                    name.display()
                )
            }
            (Some(format), _) => Ok(format),
            (None, Some(named)) => Ok(*named),
            (None, None) if ending.is_empty() => Ok(Self::Text),
            (None, None) => {
                let known = Self::value_variants().iter().map(|format| format.ending());
                let known: BTreeSet<&str> = known.collect();
                bail!(
                    "{}: .{ending} is no format of a report: use .{}, or name one with --format",
                    name.display(),
                    Vec::from_iter(known).join(", .")
                )
            }
        }
    }

    /// Returns the file extension of the format.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json => "json",
            Self::Html => "html",
            Self::Pdf | Self::Slides => "pdf",
            Self::Xlsx => "xlsx",
            Self::Ods => "ods",
            Self::Csv | Self::CsvIt => "csv",
        }
    }

    /// Returns the file name of a report in a folder, where slides lie next to the reports of the same
    /// bodies.
    pub fn file_name(self, stem: &str) -> String {
        let part = match self {
            Self::Slides => "-slides",
            _ => "",
        };
        format!("{stem}{part}.{}", self.ending())
    }

    /// True if a terminal cannot show the format.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Xlsx | Self::Ods | Self::Pdf | Self::Slides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(
        output: &str,
        format: Option<ReportFormat>,
        every_ente: bool,
    ) -> Result<ReportFormat> {
        ReportFormat::of(&ReportArgs {
            output: (!output.is_empty()).then(|| output.into()),
            format,
            every_ente,
            ..ReportArgs::of_year(2017, None, Language::EN)
        })
    }

    #[test]
    fn the_format_is_that_of_the_ending_or_the_option() {
        use ReportFormat::{Csv, CsvIt, Html, Pdf, Slides, Text, Xlsx};
        for (output, given, found) in [
            ("", None, Text),
            ("report", None, Text),
            ("r.txt", None, Text),
            ("r.PDF", None, Pdf),
            ("r.csv", None, Csv),
            ("r.csv", Some(CsvIt), CsvIt),
            ("r.pdf", Some(Slides), Slides),
            ("r.page", Some(Html), Html),
            ("", Some(Xlsx), Xlsx),
        ] {
            assert_eq!(format(output, given, false).unwrap(), found, "{output}");
        }
        assert_eq!(format("enti", None, true).unwrap(), Pdf);
        assert_eq!(format("enti", Some(Html), true).unwrap(), Html);
    }

    #[test]
    fn unknown_endings_and_contradictions_are_refused() {
        for (output, given, every_ente, said) in [
            ("r.docx", None, false, ".docx is no format of a report"),
            (
                "r.htm",
                None,
                false,
                "use .csv, .html, .json, .ods, .pdf, .txt, .xlsx",
            ),
            (
                "r.pdf",
                Some(ReportFormat::Xlsx),
                false,
                "--format says xlsx",
            ),
            (
                "r.html",
                Some(ReportFormat::Slides),
                false,
                "--format says slides",
            ),
            ("enti.pdf", None, true, "--every-ente writes a folder"),
        ] {
            let error = format(output, given, every_ente).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
