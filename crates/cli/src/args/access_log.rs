//! Arguments of `affluenza import access-log`.

use std::path::PathBuf;

use affluenza_importer::{IpNet, LogFormat, network};
use clap::ValueEnum;

use super::OutputFormat;

#[derive(Debug, clap::Args)]
pub struct AccessLogArgs {
    /// Public body of the log: a code or name in the register.
    #[arg(long)]
    pub ente: String,
    /// Portal of the log: a code or name in the register.
    #[arg(long)]
    pub portal: String,
    /// Assign pages below PREFIX to a service, by code or name in the register; may be given several
    /// times.
    #[arg(long = "service", value_name = "PREFIX=SERVICE")]
    pub services: Vec<String>,
    /// Format string of the log, as nginx (`log_format`) or Apache (`LogFormat`) has it. Default:
    /// found in the first lines.
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Field that names the client.
    #[arg(long, value_enum, default_value_t = ClientOption::Peer)]
    pub client: ClientOption,
    /// Network or address of a proxy whose forwarded addresses are trusted; may be given several
    /// times. Default: the first public address of each list is the client.
    #[arg(long = "trusted-proxy", value_name = "NETWORK", value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Import the log even if nearly all lines have one client, or all have a few private addresses.
    #[arg(long)]
    pub single_client: bool,
    /// Name of the server, for a portal whose servers have separate logs. Equal lines of two servers
    /// are two requests. Give the same name at each import.
    #[arg(long)]
    pub server: Option<String>,
    /// Keep reading the file while it grows and is rotated, until a signal. A later start goes on
    /// where this one ended.
    #[arg(long)]
    pub follow: bool,
    /// Exit after the events are in Kafka, without waiting until they are stored.
    #[arg(long, conflicts_with = "follow")]
    pub no_wait: bool,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
    /// Log files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientOption {
    /// Peer of the connection.
    Peer,
    /// Addresses that proxies forwarded, such as X-Forwarded-For.
    Forwarded,
}
