//! Command line arguments.

pub mod accept;
mod access_log;
pub mod backup;
pub mod collect;
mod dead_letters;
pub mod erase;
mod figures;
mod help;
pub mod keys;
pub mod readers;
mod report;
pub mod serve;

use std::path::PathBuf;

use affluenza_disclosure::edition::ClosedPeriod;
use affluenza_words::Language;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};

pub use access_log::{AccessLogArgs, ClientOption};
pub use dead_letters::{DeadLetters, ListDeadLetters, RequeueDeadLetters};
pub use figures::{CheckData, ImportFigures};
pub use help::command;
pub use report::{ReportArgs, ReportFormat};

/// Heading of the options that every command has.
const GLOBAL: &str = "Global options";

/// Counts how public-service portals are used, exactly once.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Args {
    /// Configuration file (TOML).
    #[arg(long, global = true, help_heading = GLOBAL, env = "AFFLUENZA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the data of the local engines.
    #[arg(long, global = true, help_heading = GLOBAL, env = "AFFLUENZA_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Log filter: error, warn, info, debug, trace, or a list such as `warn,affluenza_kafka=debug`.
    #[arg(long, global = true, help_heading = GLOBAL, env = "AFFLUENZA_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run Kafka, ClickHouse, the consumer, the collector and the API on this machine.
    Up(Up),
    /// Accept events over HTTP and hand them to Kafka.
    Collect(collect::Collect),
    /// Read events from Kafka and write them to ClickHouse.
    Consume(Consume),
    /// Serve the API and the dashboard over HTTP.
    Serve(serve::Serve),
    /// Generate a year of events with given totals.
    Simulate(Simulate),
    /// Import history from files.
    #[command(subcommand)]
    Import(Import),
    /// Print or write the report of a year: for a terminal, as a page, a workbook or data.
    Report(ReportArgs),
    /// Check figures for implausible values; fails if there are any.
    CheckData(CheckData),
    /// Close a year: its report is sealed and does not change afterwards.
    CloseYear(CloseYear),
    /// Close a month: its public figures are sealed and do not change afterwards.
    CloseMonth(CloseMonth),
    /// Verify that closed years and months have not been altered.
    VerifyYear(VerifyYear),
    /// List the changes in a closed year since its closing, by cause: classification or later
    /// events.
    YearChanges(YearChanges),
    /// Write a year as open data: CSV files that protect single persons, and their catalogue.
    OpenData(crate::commands::open_data::OpenData),
    /// Verify that every record is accounted for, and list every difference.
    Audit(AuditArgs),
    /// Accept a difference that cannot be repaired: a loss, a moved offset, an older copy of the
    /// log.
    #[command(subcommand)]
    Accept(accept::Accept),
    /// Rebuild all figures from the log, with the present register and rules, while consumers keep
    /// running. Lists what changes.
    Rebuild(Rebuild),
    /// Erase the events of a public body, a portal or a period, so that the accounts still balance.
    Erase(erase::Erase),
    /// Write a backup of the database to the server's backup disk.
    Backup(backup::Backup),
    /// Restore the database from a backup, and add from the log what the backup lacks.
    Restore(backup::Restore),
    /// Classify user agents or events from standard input, to try the rules.
    Classify(Classify),
    /// Send one event by hand.
    Emit(crate::commands::Emit),
    /// Check a portal's events before they are sent, and explain each refusal.
    CheckEvents(crate::commands::CheckEvents),
    /// List the last events of portals, and what became of each: accepted, duplicate or refused.
    Events(crate::commands::FollowEvents),
    /// Migrate the database and the topics to this program's schema.
    Migrate(Migrate),
    /// Check, compare and load the register of public bodies, portals and services.
    #[command(subcommand)]
    Register(RegisterCommand),
    /// List, show and requeue records that were refused.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Create, list and revoke API keys, and show the log of administrative access.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Create, list and drop ClickHouse users for analysts.
    #[command(subcommand)]
    Readers(readers::Readers),
    /// Check or print the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Print the completion script of a shell.
    Completions(Completions),
    /// Print the manual page, or write the pages of all commands.
    Man(Man),
}

#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Shell of the script.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub struct Man {
    /// Folder for the pages of all commands, such as /usr/local/share/man/man1. Default: print the
    /// main page.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Classify {
    /// Read events, one JSON object a line, instead of user agents.
    #[arg(long)]
    pub events: bool,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = Lines::Tsv)]
    pub format: Lines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// Columns separated by tabs, with a header.
    Tsv,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
}

#[derive(Debug, Subcommand)]
pub enum RegisterCommand {
    /// Check a register: print all of its problems, or a summary.
    Check {
        /// File of the register. Default: the configured one.
        file: Option<PathBuf>,
        /// Format of the result.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
    /// List the differences between two registers.
    Diff {
        /// File of the earlier register.
        before: PathBuf,
        /// File of the later register. Default: the configured one.
        after: Option<PathBuf>,
        /// Format of the result.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
    /// Make a first table of enti from the public index of bodies (IndicePA).
    Import(RegisterImport),
    /// Load the configured register into ClickHouse: tables, and dictionaries for `dictGet`.
    Apply,
    /// List the codes in events that the configured register does not know, and those that a
    /// rebuild would resolve, the most used first.
    Unresolved {
        /// Largest number of lines. The number of further codes and the portals that sent the most
        /// are printed on standard error.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// List every code.
        #[arg(long, conflicts_with = "limit")]
        all: bool,
        /// Format of the list.
        #[arg(long, value_enum, default_value_t = Lines::Tsv)]
        format: Lines,
    },
}

#[derive(Debug, clap::Args)]
pub struct RegisterImport {
    /// Data set "Enti" of indicepa.gov.it, as CSV.
    pub index: PathBuf,
    /// Residents by municipality, as CSV: the resident population by age of demo.istat.it.
    #[arg(long, value_name = "FILE", requires = "residents_year")]
    pub residents: Option<PathBuf>,
    /// Year of the residents.
    #[arg(long, value_name = "YEAR", requires = "residents")]
    pub residents_year: Option<i16>,
    /// First digits of the Istat code, such as 048 for the province of Florence; may be given several
    /// times. Default: all of Italy.
    #[arg(long = "province", value_name = "DIGITS")]
    pub provinces: Vec<String>,
    /// CSV file to write, for `files.enti` of the register. It must not exist.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// Raise the number of partitions of the events topic to `kafka.partitions`. This cannot be
    /// undone, and keys map to other partitions afterwards.
    #[arg(long)]
    pub add_partitions: bool,
    /// Print the SQL of the schema for an empty database, of one server or a cluster, and change
    /// nothing.
    #[arg(long, conflicts_with_all = ["add_partitions", "format"])]
    pub show: bool,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

#[derive(Debug, clap::Args)]
pub struct Up {
    /// Replay the real figures of 2016 and 2017 and print the report.
    #[arg(long)]
    pub demo: bool,
    /// Exit when all records in the log have been stored.
    #[arg(long)]
    pub once: bool,
    /// Seed of the demo events.
    #[arg(long, default_value_t = 2017, requires = "demo")]
    pub seed: u64,
    #[command(flatten)]
    pub look: Look,
}

#[derive(Debug, clap::Args)]
pub struct Consume {
    /// Exit when all records that were in the log at the start have been stored.
    #[arg(long)]
    pub once: bool,
    /// Accept a recreated topic, although ClickHouse holds records of the old one.
    #[arg(long)]
    pub accept_new_stream: bool,
    /// Address and port of /metrics, /status and /live, such as 127.0.0.1:9464; port 0 selects a
    /// free one. Default: `consume.listen`; if that is empty, none.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Simulate {
    #[command(subcommand)]
    pub made_up: Option<MadeUp>,
    /// Year of the real figures that are built into the program.
    #[arg(long, value_name = "YEAR", required_unless_present = "figures")]
    pub focus: Option<i16>,
    /// Folder with figures in the same format.
    #[arg(long, value_name = "DIR", conflicts_with = "focus", requires = "year")]
    pub figures: Option<PathBuf>,
    /// Year of the figures in the folder.
    #[arg(long, value_name = "YEAR", requires = "figures")]
    pub year: Option<i16>,
    /// Seed of the random numbers; the same seed generates the same events.
    #[arg(long, default_value_t = 2017)]
    pub seed: u64,
    /// Factor for every total.
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// Rate in events per second. Default: unlimited.
    #[arg(long, value_name = "EVENTS")]
    pub rate: Option<u32>,
    /// Destination of the events.
    #[arg(long, value_enum, default_value_t = Destination::Kafka)]
    pub to: Destination,
    /// File for the service uses of the stream by month, public body, category, kind and service,
    /// as CSV.
    #[arg(long, value_name = "FILE")]
    pub totals: Option<PathBuf>,
    /// Format of the result, which is the number of events written to Kafka.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

#[derive(Debug, Subcommand)]
pub enum MadeUp {
    /// Write the register and the figures of a made-up region to a folder, for tests of size. With
    /// its register.toml as `register.file`, `simulate --figures DIR --year YEAR` generates its events.
    Region(RegionArgs),
}

#[derive(Debug, clap::Args)]
pub struct RegionArgs {
    /// Folder for the files; files of the same names are replaced.
    pub folder: PathBuf,
    /// Number of public bodies.
    #[arg(long, value_name = "BODIES")]
    pub enti: usize,
    /// Services in the catalogue.
    #[arg(long, default_value_t = 200)]
    pub services: usize,
    /// Mean number of services that a public body offers.
    #[arg(long, default_value_t = 20)]
    pub deployments: usize,
    /// Completed service uses a year. There are two and a half times as many events.
    #[arg(long, value_name = "USES")]
    pub uses: u64,
    /// Year with figures; several years if it is repeated.
    #[arg(long = "year", value_name = "YEAR", required = true)]
    pub years: Vec<i16>,
    /// Seed of the random numbers; the same seed writes the same files.
    #[arg(long, default_value_t = 2017)]
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Destination {
    /// The events topic.
    Kafka,
    /// Standard output, one JSON object a line.
    Stdout,
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// Import access logs of web servers and balancers, compressed or plain. The first lines show the
    /// form, which is printed. A second import of the same lines changes nothing.
    AccessLog(Box<AccessLogArgs>),
    /// Import figures for the report that portals do not emit: identity credentials, help desk,
    /// alerts, availability, active services, and tables of any content. A second import of the same figures changes nothing; other
    /// figures replace them.
    Figures(ImportFigures),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Counting {
    /// People only.
    People,
    /// People and bots.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Classified {
    /// A closed year as it was closed; an open year by the present facts.
    Then,
    /// Every year by the present facts and register.
    Now,
}

#[derive(Debug, clap::Args)]
pub struct CloseYear {
    /// Year to close.
    pub year: i16,
    #[command(flatten)]
    pub options: CloseOptions,
}

#[derive(Debug, clap::Args)]
pub struct CloseMonth {
    /// Month to close, such as 2017-03.
    #[arg(value_parser = month_of)]
    pub month: ClosedPeriod,
    #[command(flatten)]
    pub options: CloseOptions,
}

#[derive(Debug, clap::Args)]
pub struct CloseOptions {
    /// Reason for closing a closed period again. The earlier figures are kept.
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub restate: Option<String>,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

fn month_of(text: &str) -> Result<ClosedPeriod, String> {
    let period = text.parse().ok();
    let month = period.filter(|period: &ClosedPeriod| period.month.is_some());
    month.ok_or_else(|| "give a month, such as 2017-03".to_owned())
}

#[derive(Debug, clap::Args)]
pub struct VerifyYear {
    /// Year or month to list; the whole chain is verified in any case. Default: all.
    #[arg(value_name = "PERIOD")]
    pub year: Option<ClosedPeriod>,
    /// Hash that was printed at the closing or in the report; fails unless a seal of the period has
    /// it.
    #[arg(long, value_name = "HASH", requires = "year")]
    pub expect: Option<String>,
    /// Reason for accepting that seals noted on this machine are missing from the database, such as
    /// after restoring an older backup.
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub accept_lost: Option<String>,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

#[derive(Debug, clap::Args)]
pub struct YearChanges {
    /// Closed year to compare.
    pub year: i16,
    /// Format of the list.
    #[arg(long, value_enum, default_value_t = Lines::Tsv)]
    pub format: Lines,
}

#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// Period whose days and aggregates are compared: 2017, 2017-Q1, 2017-03, 2017-03-26, or FROM..TO.
    /// Default: all.
    #[arg(long)]
    pub period: Option<String>,
    /// Repair first: restore facts from the log and correct aggregates from the facts.
    #[arg(long)]
    pub repair: bool,
    /// Minutes after which a numbered event of a portal that has not arrived counts as lost.
    #[arg(long, value_name = "MINUTES", default_value_t = affluenza_pipeline::audit::ON_THEIR_WAY_MINUTES)]
    pub on_their_way: u32,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

#[derive(Debug, clap::Args)]
pub struct Rebuild {
    /// Print the changes without applying them.
    #[arg(long)]
    pub dry_run: bool,
    /// Abandon an unfinished rebuild first.
    #[arg(long)]
    pub abandon: bool,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// Appearance of printed tables.
#[derive(Debug, Clone, clap::Args)]
pub struct Look {
    /// Language of the tables. Default: that of the environment.
    #[arg(long, value_parser = language(), default_value_t = environment_language(), hide_default_value = true)]
    pub lang: Language,
    /// Format of the tables.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// Parses the code of a language that has a catalogue.
fn language() -> impl TypedValueParser<Value = Language> {
    let codes =
        Language::ALL.map(|language| PossibleValue::new(language.as_str()).help(language.name()));
    PossibleValuesParser::new(codes).try_map(|code| code.parse::<Language>())
}

/// Returns the language of `LC_ALL`, `LC_MESSAGES` or `LANG`, the first that is set, or English.
fn environment_language() -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter();
    let locale = set.filter_map(|name| std::env::var(name).ok());
    locale_language(
        &locale
            .into_iter()
            .find(|locale| !locale.is_empty())
            .unwrap_or_default(),
    )
}

/// Returns the language of a locale, such as `it_IT.UTF-8`, or English.
fn locale_language(locale: &str) -> Language {
    let code = locale.split(['_', '.', '@']).next().unwrap_or_default();
    code.parse().unwrap_or(Language::EN)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Tables for a terminal.
    Text,
    /// One JSON document.
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check the configuration.
    Check,
    /// Print the effective configuration, without passwords: as text in TOML.
    Print {
        /// Format of the result.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
}

/// Formats an error of clap, which explains at length, as one line with cause and remedy.
pub fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let mut parts: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    if let Some(first) = parts.first_mut() {
        *first = first.strip_prefix("error: ").unwrap_or(first);
    }
    let usage = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Usage:"));
    let command: Vec<&str> = usage
        .unwrap_or("affluenza")
        .split_whitespace()
        .take_while(|word| !word.starts_with(['[', '<', '-']))
        .collect();
    format!("{}; see `{} --help`", parts.join(" "), command.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_the_locale() {
        for (locale, language) in [
            ("it_IT.UTF-8", Language::IT),
            ("it", Language::IT),
            ("it@euro", Language::IT),
            ("en_GB.UTF-8", Language::EN),
            ("C.UTF-8", Language::EN),
            ("", Language::EN),
            ("ita", Language::EN),
        ] {
            assert_eq!(locale_language(locale), language, "{locale}");
        }
    }
}
