//! What can be typed.

pub mod accept;
pub mod backup;
pub mod collect;
pub mod erase;
mod figures;
pub mod keys;
mod report;
pub mod serve;

use std::path::PathBuf;

use affluenza_dead_letters::{Fate, Moment, Position, Reason};
use clap::{Parser, Subcommand, ValueEnum};

pub use figures::{CheckData, ImportFigures};
pub use report::{Report, ReportFormat};

/// Counts how public-service portals are used, exactly once.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Args {
    /// Configuration file (TOML).
    #[arg(long, global = true, env = "AFFLUENZA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder with the data of the engines that run on this machine.
    #[arg(long, global = true, env = "AFFLUENZA_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Log filter: error, warn, info, debug, trace, or a list such as `warn,affluenza_bus=debug`.
    #[arg(long, global = true, env = "AFFLUENZA_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything on this machine: Kafka, ClickHouse and the consumer.
    Up(Up),
    /// Take events in over HTTP and hand them to Kafka.
    Collect(collect::Collect),
    /// Read events from Kafka and write them to ClickHouse.
    Consume(Consume),
    /// Answer questions about usage over HTTP.
    Serve(serve::Serve),
    /// Make up a year of events whose totals are given.
    Simulate(Simulate),
    /// Read history from files.
    #[command(subcommand)]
    Import(Import),
    /// Print the report of a year: on a terminal, or as a page, a sheet or data.
    Report(Report),
    /// Look for figures that cannot be right; fails when there are any.
    CheckData(CheckData),
    /// Close a year: what its report says now, it says for ever.
    CloseYear(CloseYear),
    /// Prove that the closed years are as they were closed.
    VerifyYear(VerifyYear),
    /// List what has moved in a closed year since: by classification, and by later events.
    YearChanges(YearChanges),
    /// Write a year as open data: CSV files that give nobody away, and their catalogue.
    OpenData(crate::commands::open_data::OpenData),
    /// Prove that every record is accounted for, or name what is not.
    Audit(Audit),
    /// Accept what cannot be repaired: a loss, a place of the group, a log that was put back.
    #[command(subcommand)]
    Accept(accept::Accept),
    /// Make facts or aggregates anew, month by month, while everything goes on.
    #[command(subcommand)]
    Rebuild(Rebuild),
    /// Erase the events of a public body, a portal or a period, so that the accounts still balance.
    Erase(erase::Erase),
    /// Write a backup of the database, on the server's disk for backups.
    Backup(backup::Backup),
    /// Bring the database back from a backup, and add from the log what it lacks.
    Restore(backup::Restore),
    /// Classify user agents, or events, from standard input: try the rules.
    Classify(Classify),
    /// Send one event by hand.
    Emit(crate::commands::Emit),
    /// Check a portal's events before they are sent: explains what would be refused.
    CheckEvents(crate::commands::CheckEvents),
    /// Bring the database and the topics to this program's schema.
    Migrate(Migrate),
    /// Check, compare and load the register of public bodies, portals and services.
    #[command(subcommand)]
    Register(Register),
    /// Look at the records that did not become events, and send them again.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Make, list and withdraw API keys, and see who did.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Print what makes a shell complete commands.
    Completions(Completions),
    /// Print the manual page, or write those of every command.
    Man(Man),
}

#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub struct Man {
    /// Folder for the pages of every command, such as /usr/local/share/man/man1.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Classify {
    /// The lines are events (JSON, one a line), not user agents.
    #[arg(long)]
    pub events: bool,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = Lines::Tsv)]
    pub format: Lines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// Columns separated by tabs, with a header.
    Tsv,
    /// One JSON object a line.
    Ndjson,
}

#[derive(Debug, Subcommand)]
pub enum Register {
    /// Say everything that is wrong with a register, or what it holds.
    Check {
        /// File; the configured one without.
        file: Option<PathBuf>,
    },
    /// List what differs between two registers.
    Diff {
        /// File of the earlier one.
        before: PathBuf,
        /// File of the later one; the configured one without.
        after: Option<PathBuf>,
    },
    /// Load the configured register into ClickHouse: tables, and dictionaries for `dictGet`.
    Apply,
    /// List the codes of events that the configured register does not know, and those that it
    /// knows by now and a rebuild would place.
    Unresolved {
        /// How the list is written.
        #[arg(long, value_enum, default_value_t = Lines::Tsv)]
        format: Lines,
    },
}

#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// Give the topic of the events as many partitions as `kafka.partitions` says, if it has
    /// fewer. They cannot be taken away again, and keys go to other partitions from then on.
    #[arg(long)]
    pub add_partitions: bool,
    /// Only print the SQL that makes the schema in an empty database, one server's or a cluster's.
    #[arg(long, conflicts_with = "add_partitions")]
    pub show: bool,
}

#[derive(Debug, clap::Args)]
pub struct Up {
    /// Replay the real figures of 2016 and 2017 and print the tables.
    #[arg(long)]
    pub demo: bool,
    /// End when everything that is in the log has been written.
    #[arg(long)]
    pub once: bool,
    /// Seed of the demo's events.
    #[arg(long, default_value_t = 2017, requires = "demo")]
    pub seed: u64,
    #[command(flatten)]
    pub look: Look,
}

#[derive(Debug, clap::Args)]
pub struct Consume {
    /// End when everything that was in the log at the start has been written.
    #[arg(long)]
    pub once: bool,
    /// Begin with a topic that was created anew, although ClickHouse has records of the old one.
    #[arg(long)]
    pub accept_new_stream: bool,
    /// Address and port of /metrics, /status and /live, such as 127.0.0.1:9464; port 0 takes a free
    /// one. Without, and without `consume.listen`: none.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Simulate {
    /// Year of the real figures that come with the program.
    #[arg(long, value_name = "YEAR", required_unless_present = "figures")]
    pub focus: Option<i16>,
    /// Folder with figures of the same form.
    #[arg(long, value_name = "DIR", conflicts_with = "focus", requires = "year")]
    pub figures: Option<PathBuf>,
    /// Year to take from the folder.
    #[arg(long, value_name = "YEAR", requires = "figures")]
    pub year: Option<i16>,
    /// Seed; the same seed gives the same events.
    #[arg(long, default_value_t = 2017)]
    pub seed: u64,
    /// Multiplies every total.
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// Events a second; as fast as possible without.
    #[arg(long, value_name = "EVENTS")]
    pub rate: Option<u32>,
    /// Where the events go.
    #[arg(long, value_enum, default_value_t = Destination::Kafka)]
    pub to: Destination,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Destination {
    /// The topic of the events.
    Kafka,
    /// Standard output, one JSON object a line.
    Stdout,
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// Access logs in combined or common log format, gzip or plain; the same lines twice change nothing.
    AccessLog(AccessLog),
    /// Figures that portals do not emit, for the report: identity credentials, help desk, alerts,
    /// availability, portfolio. The same figures twice change nothing; others replace them.
    Figures(ImportFigures),
}

#[derive(Debug, clap::Args)]
pub struct AccessLog {
    /// Public body the log belongs to: a code or name in the register.
    #[arg(long)]
    pub ente: String,
    /// Portal the log belongs to.
    #[arg(long)]
    pub portal: String,
    /// Pages below PREFIX belong to service CODE; may be given several times.
    #[arg(long = "service", value_name = "PREFIX=CODE")]
    pub services: Vec<String>,
    /// Hand the events to Kafka and do not wait until they are stored.
    #[arg(long)]
    pub no_wait: bool,
    /// Files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Count {
    /// People only.
    People,
    /// People and bots.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clock {
    /// A closed year as it was closed; one that is open, by the present facts.
    Then,
    /// By the present facts and register, closed or not.
    Now,
}

#[derive(Debug, clap::Args)]
pub struct CloseYear {
    /// Year to close.
    pub year: i16,
    /// It is closed already: close it anew beside the old figures, for this reason.
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub restate: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct VerifyYear {
    /// One year only; all of the chain is verified anyway.
    pub year: Option<i16>,
    /// Hash that was printed when the year was closed, or in its report: fails unless a seal of the
    /// year has it.
    #[arg(long, value_name = "HASH", requires = "year")]
    pub expect: Option<String>,
    /// Seals that were noted on this machine are not in the database any more, such as after an older
    /// backup was restored: go on without them, for this reason.
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub accept_lost: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct YearChanges {
    /// A closed year.
    pub year: i16,
    /// How the list is written.
    #[arg(long, value_enum, default_value_t = Lines::Tsv)]
    pub format: Lines,
}

#[derive(Debug, clap::Args)]
pub struct Audit {
    /// Compare aggregates and days of this period only: 2017, 2017-03, 2017-03-26, or FROM..TO.
    #[arg(long)]
    pub period: Option<String>,
    /// Mend first: restore facts from the log, correct aggregates from the facts.
    #[arg(long)]
    pub repair: bool,
    /// How long events may be on their way before one that a portal numbered counts as lost.
    #[arg(long, value_name = "MINUTES", default_value_t = affluenza_pipeline::audit::ON_THEIR_WAY_MINUTES)]
    pub on_their_way: u32,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum Rebuild {
    /// The aggregate, from the facts.
    Aggregates(RebuildOptions),
    /// The facts, from the log where it still holds them, under the present register and rules;
    /// and the aggregate with them.
    Facts(RebuildOptions),
}

#[derive(Debug, clap::Args)]
pub struct RebuildOptions {
    /// The months of this period only (UTC): 2017, 2017-03, 2017-03-26, or FROM..TO.
    #[arg(long)]
    pub period: Option<String>,
    /// Do everything but put it in place, and say what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Give up an unfinished rebuild first.
    #[arg(long)]
    pub abandon: bool,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How the tables look.
#[derive(Debug, Clone, clap::Args)]
pub struct Look {
    /// Language of the tables.
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// Form of the tables.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Italian.
    It,
    /// English.
    En,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for a terminal.
    Text,
    /// One JSON document.
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Say whether the configuration is right.
    Check,
    /// Print the configuration as it is in force, without passwords.
    Print,
}

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List them, one a line, with counts by reason.
    List(ListDeadLetters),
    /// Show everything about one, and what to do.
    Show(ShowDeadLetter),
    /// Write them back to the events topic, corrected where need be; an event that is stored
    /// already is not counted again.
    Requeue(RequeueDeadLetters),
}

#[derive(Debug, clap::Args)]
pub struct ListDeadLetters {
    #[command(flatten)]
    pub filter: DeadLetterFilter,
    /// List the first N only; the counts are of all.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Form of the list.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct ShowDeadLetter {
    /// Where the record stood in the events topic.
    #[arg(value_name = "PARTITION/OFFSET")]
    pub position: Position,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true)
    .args(["positions", "reasons", "fate", "since", "until", "partition", "all"])))]
pub struct RequeueDeadLetters {
    /// Where the records stood in the events topic, each as PARTITION/OFFSET.
    #[arg(value_name = "POSITION", conflicts_with = "DeadLetterFilter")]
    pub positions: Vec<Position>,
    #[command(flatten)]
    pub filter: DeadLetterFilter,
    /// Every dead letter.
    #[arg(long, conflicts_with_all = ["positions", "DeadLetterFilter"])]
    pub all: bool,
    /// Correct each record with this JSON Patch (RFC 6902). Personal data was masked and cannot
    /// come back: such a record needs a patch that makes it valid.
    #[arg(long, value_name = "FILE")]
    pub patch: Option<PathBuf>,
    /// Say what would happen, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Take the first N only.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

/// Which dead letters.
#[derive(Debug, Clone, clap::Args)]
pub struct DeadLetterFilter {
    /// Refused for this reason; may be given several times.
    #[arg(long = "reason", value_name = "CODE")]
    pub reasons: Vec<Reason>,
    /// With this fate: rejected or quarantined.
    #[arg(long)]
    pub fate: Option<Fate>,
    /// Whose record was written on this date or later, or at this time or later.
    #[arg(long, value_name = "DATE|TIME", value_parser = Moment::since)]
    pub since: Option<Moment>,
    /// Whose record was written on this date or earlier, or before this time.
    #[arg(long, value_name = "DATE|TIME", value_parser = Moment::until)]
    pub until: Option<Moment>,
    /// Whose record stood in this partition of the events topic.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
}

/// Clap explains at length; here the cause and the mend, on one line.
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
    format!("{}; see `affluenza --help`", parts.join(" "))
}
