//! Settings of the program: defaults, then the file, then the environment, then flags.

use std::path::{Path, PathBuf};

use affluenza_report::face::CentreFace;
use affluenza_store::readers::is_reader_name;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

mod log;

pub use log::LogSettings;

/// Prefix of environment variables; `AFFLUENZA__KAFKA__TOPIC` sets `kafka.topic`.
const ENV_PREFIX: &str = "AFFLUENZA__";

/// All settings. Each section belongs to the crate that uses it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Kafka: connection, topics and group.
    pub kafka: affluenza_kafka::Config,
    /// ClickHouse: connection and database.
    pub clickhouse: affluenza_store::Config,
    /// Collector.
    pub collect: affluenza_collector::Config,
    /// Consumer.
    pub consume: affluenza_pipeline::Config,
    /// Engines that `up` starts if no external ones are configured.
    pub engine: EngineSettings,
    /// Register of enti, portals and services.
    pub register: RegisterSettings,
    /// Classification of user agents.
    pub classification: ClassificationSettings,
    /// Geography of visitors.
    pub geography: GeographySettings,
    /// API for aggregates.
    pub serve: affluenza_api::Config,
    /// API keys.
    pub keys: affluenza_http::keys::Config,
    /// Retention of stored data.
    pub retention: affluenza_store::retention::Config,
    /// Publisher and address of the open data.
    pub open_data: affluenza_disclosure::open_data::Config,
    /// Centre that publishes the reports.
    pub report: affluenza_report::document::Centre,
    /// Log of the program.
    pub log: LogSettings,
    /// OpenTelemetry traces.
    pub trace: affluenza_http::telemetry::trace::TraceConfig,
}

/// Local engines: Kafka and ClickHouse as child processes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// Folder for all data of the engines.
    pub data: PathBuf,
    /// Port of Kafka. 0: 9092, or a free one if another program holds that.
    pub kafka_port: u16,
    /// Heap of Kafka, in MiB.
    pub kafka_heap_mib: u32,
    /// Port of ClickHouse's HTTP interface. 0: 8123, or a free one if another program holds that.
    pub clickhouse_http_port: u16,
    /// Memory limit of ClickHouse, in MiB.
    pub clickhouse_memory_mib: u32,
    /// True if acknowledged data is synced to disk, so that a power cut loses nothing. Otherwise a
    /// power cut loses up to the last half minute; a crash of the processes alone loses nothing.
    pub sync_writes: bool,
    /// ClickHouse users for analysts who may read the rows of some enti only.
    pub readers: Vec<ReaderSettings>,
}

/// ClickHouse user that may read the rows of some enti.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderSettings {
    /// Name of the user: letters, digits and `_`.
    pub user: String,
    /// SHA-256 of the password, 64 hexadecimal digits.
    pub password_sha256: String,
    /// Codes of the enti.
    pub enti: Vec<String>,
}

impl ReaderSettings {
    fn problem(&self) -> Option<String> {
        let is_name = is_reader_name(&self.user);
        let is_hash = self.password_sha256.len() == 64
            && self
                .password_sha256
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit());
        let mend = match (is_name, is_hash, self.enti.is_empty()) {
            (false, ..) => "user: use letters, digits and '_', and no reserved name",
            (_, false, _) => {
                "password_sha256: use the 64 hexadecimal digits of `printf %s PASSWORD | sha256sum`"
            }
            (.., true) => "enti: name at least one",
            _ => return None,
        };
        Some(format!("engine.readers, {:?}: {mend}", self.user))
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            data: PathBuf::from(".affluenza"),
            kafka_port: 0,
            kafka_heap_mib: 512,
            clickhouse_http_port: 0,
            clickhouse_memory_mib: 2048,
            sync_writes: true,
            readers: Vec::new(),
        }
    }
}

/// Settings of the register.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegisterSettings {
    /// TOML file of the register, which may name further TOML and CSV files. Empty: the example
    /// register that is built in.
    pub file: PathBuf,
}

/// Settings of the classification.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassificationSettings {
    /// Parts of user agents of further bots, such as your own probes; case-insensitive.
    pub bots: Vec<String>,
    /// Folder with files that replace built-in device rules, such as `bots.rules`. Empty: the
    /// built-in rules.
    pub rules_dir: PathBuf,
}

/// Settings of the geography.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeographySettings {
    /// MaxMind DB file. Empty: countries are unknown unless the collector sent them.
    pub database: PathBuf,
}

impl Settings {
    /// Reads `file`, if given, and then the environment.
    pub fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self> {
        let mut table = match file {
            None => Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| {
                    format!("configuration file {} cannot be read", path.display())
                })?;
                text.parse::<Table>().map_err(|error| {
                    anyhow::anyhow!(
                        "configuration file {}: {}",
                        path.display(),
                        one_line(&error.to_string())
                    )
                })?
            }
        };
        for (name, value) in environment {
            if let Some(keys) = name.strip_prefix(ENV_PREFIX) {
                set_from_environment(&mut table, &keys.to_lowercase(), &value)
                    .with_context(|| format!("environment variable {name}"))?;
            }
        }
        let origin = file.map_or_else(
            || "the environment".to_owned(),
            |path| path.display().to_string(),
        );
        let settings: Self = table.try_into().map_err(|error| {
            anyhow::anyhow!(
                "configuration from {origin}: {}",
                one_line(&error.to_string())
            )
        })?;
        Ok(settings)
    }

    /// Returns the HTTP settings for monitoring a consumer; `None` if no address is configured.
    pub fn watch(&self) -> Option<affluenza_http::Config> {
        let consume = &self.consume;
        (!consume.listen.is_empty()).then(|| affluenza_http::Config {
            listen: consume.listen.clone(),
            tls_certificate: consume.tls_certificate.clone(),
            tls_key: consume.tls_key.clone(),
            ..affluenza_http::Config::default()
        })
    }

    /// Returns the centre that publishes the reports: name and contact are those of the open data
    /// unless it has its own.
    pub fn centre(&self) -> affluenza_report::document::Centre {
        let mut centre = self.report.clone();
        for (own, of_data) in [
            (&mut centre.name, &self.open_data.publisher),
            (&mut centre.contact, &self.open_data.contact),
        ] {
            if own.is_empty() {
                own.clone_from(of_data);
            }
        }
        centre
    }

    /// Returns the centre that publishes the reports, with its logos.
    pub fn face(&self) -> Result<CentreFace> {
        Ok(CentreFace::load(self.centre())?)
    }

    /// Checks all settings. The error lists every problem.
    pub fn check(&self) -> Result<()> {
        let mut problems = self.kafka.problems();
        problems.extend(self.clickhouse.problems());
        problems.extend(self.collect.problems());
        problems.extend(self.consume.problems());
        problems.extend(self.report.problems());
        if let Some(http) = self.watch() {
            problems.extend(http.problems("consume"));
        }
        problems.extend(self.serve.problems());
        problems.extend(self.retention.problems());
        problems.extend(self.trace.problems());
        problems.extend(self.log.problem());
        problems.extend(
            self.engine
                .readers
                .iter()
                .filter_map(ReaderSettings::problem),
        );
        if !(128..=65_536).contains(&self.engine.kafka_heap_mib) {
            problems.push(format!(
                "engine.kafka_heap_mib = {}: use 128 to 65536",
                self.engine.kafka_heap_mib
            ));
        }
        if let Some(name) = self.classification.bots.iter().find(|name| name.len() < 4) {
            problems.push(format!(
                "classification.bots: {name:?} is in too many user agents: use 4 letters or more"
            ));
        }
        if self.engine.clickhouse_memory_mib < 512 {
            problems.push(format!(
                "engine.clickhouse_memory_mib = {}: use 512 or more",
                self.engine.clickhouse_memory_mib
            ));
        }
        if problems.is_empty() {
            return Ok(());
        }
        bail!(
            "the configuration has {} problem(s): {}",
            problems.len(),
            problems.join("; ")
        )
    }
}

/// Sets a key. For `…PASSWORD_FILE`, the value names a file that holds the password, as
/// orchestrators mount secrets.
fn set_from_environment(table: &mut Table, keys: &str, value: &str) -> Result<()> {
    let Some(password) = keys
        .strip_suffix("_file")
        .filter(|keys| keys.ends_with("password"))
    else {
        return set(table, keys, value);
    };
    let text = std::fs::read_to_string(value).with_context(|| format!("{value} cannot be read"))?;
    let text = Value::String(text.trim_end_matches(['\r', '\n']).to_owned());
    set(table, password, &text.to_string())
}

/// Sets `section__key` in the table. A value that is not a TOML literal becomes a string.
fn set(table: &mut Table, keys: &str, text: &str) -> Result<()> {
    let (parents, key) = keys.rsplit_once("__").unwrap_or(("", keys));
    let mut place = table;
    for parent in parents.split("__").filter(|parent| !parent.is_empty()) {
        place = place
            .entry(parent)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .with_context(|| format!("{parent} is not a section"))?;
    }
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut literal| literal.remove("v"))
        .filter(|value| !value.is_datetime())
        .unwrap_or_else(|| Value::String(text.to_owned()));
    place.insert(key.to_owned(), value);
    Ok(())
}

/// Joins an error of TOML, which shows the line and a marker below it, to one line.
fn one_line(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for line in text.lines() {
        let line = line
            .trim_start_matches(|c: char| c.is_whitespace() || c.is_ascii_digit() || c == '|')
            .trim();
        if !line.is_empty() && !line.chars().all(|c| c == '^') {
            parts.push(line);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "[kafka]\ntopic = \"a\"\npartitions = 2\n").unwrap();
        let pairs = [
            ("AFFLUENZA__KAFKA__TOPIC", "b"),
            ("AFFLUENZA__CLICKHOUSE__PASSWORD", "1234x"),
        ];
        let settings = Settings::read(Some(&file), environment(&pairs)).unwrap();
        assert_eq!(settings.kafka.topic, "b");
        assert_eq!(settings.kafka.partitions, 2);
    }

    #[test]
    fn passwords_come_from_files_and_stay_out_of_sight() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "12\"34\n").unwrap();
        let path = file.to_str().unwrap();
        let pairs = [
            ("AFFLUENZA__CLICKHOUSE__PASSWORD_FILE", path),
            ("AFFLUENZA__KAFKA__PROPERTIES__SASL_PASSWORD_FILE", path),
            ("AFFLUENZA__KAFKA__PROPERTIES__SASL_USERNAME", "portal"),
        ];
        let settings = Settings::read(None, environment(&pairs)).unwrap();
        assert_eq!(settings.clickhouse.password.expose_secret(), "12\"34");
        assert_eq!(settings.kafka.properties["sasl_password"], "12\"34");
        let printed = toml::to_string(&settings).unwrap();
        assert!(printed.contains("sasl_username = \"portal\""), "{printed}");
        assert!(!printed.contains("34"), "{printed}");
        let missing = [("AFFLUENZA__CLICKHOUSE__PASSWORD_FILE", "/nowhere")];
        let error = Settings::read(None, environment(&missing)).unwrap_err();
        assert!(format!("{error:#}").contains("PASSWORD_FILE: /nowhere cannot be read"));
    }

    #[test]
    fn the_centre_is_the_publisher_unless_it_is_named() {
        let mut settings = Settings::default();
        settings.open_data.publisher = "Regione".into();
        settings.open_data.contact = "dati@example.it".into();
        settings.report.contact = "assistenza@example.it".into();
        let centre = settings.centre();
        assert_eq!(centre.name, "Regione");
        assert_eq!(centre.contact, "assistenza@example.it");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error =
            Settings::read(None, environment(&[("AFFLUENZA__KAFKA__TOPICS", "b")])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("topics") && !text.contains('\n'), "{text}");
    }

    #[test]
    fn all_problems_are_listed_at_once() {
        let mut settings = Settings::default();
        settings.kafka.group.clear();
        settings.clickhouse.url = "localhost".into();
        let text = settings.check().unwrap_err().to_string();
        assert!(
            text.contains("kafka.group") && text.contains("clickhouse.url"),
            "{text}"
        );
    }
}
