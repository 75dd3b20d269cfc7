//! Provides Kafka and ClickHouse: external ones if configured, those of an `up` that runs on this
//! machine, or own ones for the duration of the command.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use affluenza_engine::{
    Cache, ClickHouse, ClickHouseSettings, DataDir, EngineError, Kafka, KafkaSettings, Kept,
    RowReader, Startable,
};
use affluenza_store::access::{EnteReader, WATCHED};
use anyhow::{Context, Result, anyhow, bail};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::commands::readers::LocalReaders;
use crate::output::say;
use crate::settings::Settings;

/// Default ports of the engines.
pub const KAFKA_PORT: u16 = 9092;
pub const CLICKHOUSE_PORT: u16 = 8123;

/// Folders of the engines in the data folder.
const KAFKA_FOLDER: &str = "kafka";
const CLICKHOUSE_FOLDER: &str = "clickhouse";

/// File in which the owner of the engines publishes their addresses.
const ENDPOINTS: &str = "endpoints.json";

/// Time for a clean stop of the engines before they are killed. Kafka flushes its indexes
/// meanwhile, and ClickHouse finishes running inserts.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Free disk space below which a lost engine is explained by a full disk.
const DISK_BYTES_MIN: u64 = 32 * 1024 * 1024;

/// Engines that a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    pub kafka: bool,
    pub clickhouse: bool,
}

impl Needs {
    pub const BOTH: Self = Self {
        kafka: true,
        clickhouse: true,
    };
    pub const KAFKA: Self = Self {
        kafka: true,
        clickhouse: false,
    };
    pub const CLICKHOUSE: Self = Self {
        kafka: false,
        clickhouse: true,
    };

    /// Returns those that the configuration does not name, so that they run on this machine.
    pub fn local(self, settings: &Settings) -> Self {
        Self {
            kafka: self.kafka && settings.kafka.bootstrap_servers.is_empty(),
            clickhouse: self.clickhouse && settings.clickhouse.url.is_empty(),
        }
    }

    /// Returns the folders of their data, in the data folder.
    pub fn folders(self) -> Vec<&'static str> {
        let kafka = self.kafka.then_some(KAFKA_FOLDER);
        let clickhouse = self.clickhouse.then_some(CLICKHOUSE_FOLDER);
        kafka.into_iter().chain(clickhouse).collect()
    }
}

/// Addresses published by the owner of the engines. The file is readable by its owner only, because
/// it holds passwords.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Endpoints {
    kafka: Option<String>,
    clickhouse: Option<String>,
    user: String,
    password: String,
    #[serde(default)]
    reader: String,
    #[serde(default)]
    reader_password: String,
}

/// Kafka and ClickHouse, ready for use.
pub struct Platform {
    /// Connection to Kafka.
    pub bus: affluenza_kafka::Config,
    /// Connection to ClickHouse.
    pub store: affluenza_store::Config,
    /// Connection to ClickHouse as the read-only user.
    pub reader: affluenza_store::Config,
    /// True if this command started the engines, so that no other process consumes.
    pub is_owner: bool,
    /// True if the ClickHouse started by this command had not ended cleanly before.
    pub is_after_crash: bool,
    kafka: Option<Kept>,
    clickhouse: Option<Kept>,
    /// Users restricted to some enti, as configured in the ClickHouse started by this command.
    pub readers: Vec<EnteReader>,
    owned: Option<(DataDir, PathBuf)>,
}

impl Platform {
    /// Connects to the needed engines, or starts them.
    pub async fn open(settings: &Settings, needs: Needs) -> Result<Self> {
        let mut platform = Self {
            bus: settings.kafka.clone(),
            store: settings.clickhouse.clone(),
            reader: settings.clickhouse.for_reading(),
            is_owner: false,
            is_after_crash: false,
            readers: Vec::new(),
            kafka: None,
            clickhouse: None,
            owned: None,
        };
        let local = needs.local(settings);
        if !local.kafka && !local.clickhouse {
            return Ok(platform);
        }
        let data = &settings.engine.data;
        match DataDir::lock(data) {
            Ok(lock) => platform.start(settings, local, lock).await?,
            Err(EngineError::InUse { pid, .. }) => platform.join(data, local, pid)?,
            Err(error) => return Err(error.into()),
        }
        Ok(platform)
    }

    async fn start(&mut self, settings: &Settings, local: Needs, lock: DataDir) -> Result<()> {
        let engine = &settings.engine;
        let cache = Cache::from_env()?;
        // A missing Java is said before ClickHouse is fetched.
        let jars = local.kafka.then(|| cache.prepare_kafka(&say)).transpose()?;
        let library = local.clickhouse.then(|| cache.prepare_clickhouse(&say));
        let library = library.transpose()?;
        let folder = lock.path().to_owned();
        let readers = ente_readers(settings)?;
        let kafka = KafkaSettings {
            port: wanted_port(engine.kafka_port, KAFKA_PORT),
            heap_mib: engine.kafka_heap_mib,
            sync_writes: engine.sync_writes,
            ..KafkaSettings::new(folder.join(KAFKA_FOLDER))
        };
        let clickhouse = ClickHouseSettings {
            http_port: wanted_port(engine.clickhouse_http_port, CLICKHOUSE_PORT),
            memory_mib: engine.clickhouse_memory_mib,
            sync_writes: engine.sync_writes,
            readers: row_readers(&settings.clickhouse, &readers),
            ..ClickHouseSettings::new(folder.join(CLICKHOUSE_FOLDER))
        };
        let (kafka, clickhouse) = tokio::try_join!(
            started::<Kafka>(jars.map(|jars| (kafka, jars)), engine.kafka_port),
            started::<ClickHouse>(
                library.map(|library| (clickhouse, library)),
                engine.clickhouse_http_port
            )
        )?;
        let mut endpoints = Endpoints::default();
        if let Some((kafka, recipe)) = kafka {
            endpoints.kafka = Some(kafka.bootstrap());
            self.kafka = Some(Kept::keep(kafka, recipe));
        }
        if let Some((clickhouse, recipe)) = clickhouse {
            endpoints = Endpoints {
                clickhouse: Some(clickhouse.http_url()),
                user: clickhouse.user().to_owned(),
                password: clickhouse.password().to_owned(),
                reader: clickhouse.reader().to_owned(),
                reader_password: clickhouse.reader_password().to_owned(),
                ..endpoints
            };
            self.is_after_crash = clickhouse.is_after_crash();
            self.clickhouse = Some(Kept::keep(clickhouse, recipe));
            self.readers = readers;
        }
        let path = folder.join(ENDPOINTS);
        publish(&path, &endpoints)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        self.point_to(&endpoints);
        self.is_owner = true;
        self.owned = Some((lock, path));
        Ok(())
    }

    fn join(&mut self, data: &Path, local: Needs, pid: Option<u32>) -> Result<()> {
        let holder = pid.map_or_else(
            || "another process".to_owned(),
            |pid| format!("process {pid}"),
        );
        let text = fs::read_to_string(data.join(ENDPOINTS)).map_err(|_| {
            anyhow!(
                "{} is held by {holder}, which is not ready yet: try again in a moment",
                data.display()
            )
        })?;
        let endpoints: Endpoints = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is damaged: end {holder} and try again",
                data.join(ENDPOINTS).display()
            )
        })?;
        if (local.kafka && endpoints.kafka.is_none())
            || (local.clickhouse && endpoints.clickhouse.is_none())
        {
            bail!(
                "{} is held by {holder}, which runs only a part of what is needed: wait until it ends",
                data.display()
            );
        }
        self.point_to(&endpoints);
        Ok(())
    }

    fn point_to(&mut self, endpoints: &Endpoints) {
        if self.bus.bootstrap_servers.is_empty()
            && let Some(kafka) = &endpoints.kafka
        {
            self.bus.bootstrap_servers.clone_from(kafka);
        }
        if self.store.url.is_empty()
            && let Some(url) = &endpoints.clickhouse
        {
            self.store.url.clone_from(url);
            self.store.user.clone_from(&endpoints.user);
            self.store.password = SecretString::from(endpoints.password.clone());
            self.store.reader_user.clone_from(&endpoints.reader);
            self.store.reader_password = SecretString::from(endpoints.reader_password.clone());
            self.reader = self.store.for_reading();
        }
    }

    /// Waits until an engine of this command has failed and cannot be restarted.
    pub async fn failed(&mut self) -> anyhow::Error {
        let error = match (&mut self.kafka, &mut self.clickhouse) {
            (Some(kafka), Some(clickhouse)) => tokio::select! {
                error = kafka.lost() => error,
                error = clickhouse.lost() => error,
            },
            (Some(kafka), None) => kafka.lost().await,
            (None, Some(clickhouse)) => clickhouse.lost().await,
            (None, None) => std::future::pending().await,
        };
        self.explain(error)
    }

    /// Returns the restart counter of this command's ClickHouse; `None` if it started none.
    pub fn clickhouse_restarts(&self) -> Option<watch::Receiver<u64>> {
        self.clickhouse.as_ref().map(Kept::restarts)
    }

    /// Explains the failure of an engine. Engines do not report a full disk clearly.
    fn explain(&self, error: EngineError) -> anyhow::Error {
        let Some((lock, _)) = &self.owned else {
            return error.into();
        };
        let folder = lock.path();
        match rustix::fs::statvfs(folder) {
            Ok(disk) if disk.f_bavail * disk.f_frsize < DISK_BYTES_MIN => anyhow!(
                "the disk of {} is full ({error}): free some space and start again; what ClickHouse lost is restored from the log at the start",
                folder.display()
            ),
            _ => error.into(),
        }
    }

    /// Stops the engines of this command.
    pub async fn close(self) -> Result<()> {
        self.close_within(STOP_WITHIN).await
    }

    /// Like [`Platform::close`], but kills the engines after `within`.
    pub async fn close_within(self, within: Duration) -> Result<()> {
        if let Some((_, endpoints)) = &self.owned {
            let _ = fs::remove_file(endpoints);
        }
        let (clickhouse, kafka) = tokio::join!(
            stop_within(self.clickhouse, within),
            stop_within(self.kafka, within)
        );
        clickhouse?;
        Ok(kafka?)
    }

    /// Returns lines with the addresses of the engines, for the operator.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.bus.bootstrap_servers.is_empty() {
            lines.push(format!(
                "Kafka       {}  topic {}",
                self.bus.bootstrap_servers, self.bus.topic
            ));
        }
        if !self.store.url.is_empty() {
            let reader = match &self.store.reader_user {
                user if user.is_empty() => String::new(),
                user if self.clickhouse.is_some() => {
                    format!(
                        "  user {user} (password in clickhouse/reader-password of the data folder)"
                    )
                }
                user => format!("  user {user}"),
            };
            lines.push(format!(
                "ClickHouse  {}  database {}{reader}",
                self.store.url, self.store.database
            ));
        }
        lines
    }
}

/// Returns the configured port; for 0, the default one.
fn wanted_port(configured: u16, default: u16) -> Option<u16> {
    Some(if configured == 0 { default } else { configured })
}

/// Starts an engine, if there is a recipe, and returns both. If no port is configured and another
/// program holds the default one, takes a free port.
async fn started<E: Startable>(
    recipe: Option<E::Recipe>,
    configured_port: u16,
) -> Result<Option<(E, E::Recipe)>, EngineError> {
    let Some(recipe) = recipe else {
        return Ok(None);
    };
    match E::start_from(&recipe).await {
        Err(EngineError::PortTaken { engine, port }) if configured_port == 0 => {
            say(&format!("port {port} is taken: {engine} uses a free one"));
            let recipe = E::any_port(recipe);
            Ok(Some((E::start_from(&recipe).await?, recipe)))
        }
        engine => Ok(Some((engine?, recipe))),
    }
}

async fn stop_within(engine: Option<Kept>, within: Duration) -> Result<(), EngineError> {
    match engine {
        Some(engine) => engine.stop_within(within).await,
        None => Ok(()),
    }
}

/// Converts the restricted users to the format of the engine's users file.
fn row_readers(config: &affluenza_store::Config, readers: &[EnteReader]) -> Vec<RowReader> {
    readers
        .iter()
        .map(|reader| RowReader {
            views: reader.database(&config.database),
            definer: reader.definer(),
            watched: WATCHED.to_owned(),
            database: config.database.clone(),
            tables: reader.policies(config),
            name: reader.user.clone(),
            password_sha256: reader.password_sha256.clone(),
        })
        .collect()
}

/// Returns the readers of the configuration, and those that `affluenza readers` created for the local
/// engine.
pub fn ente_readers(settings: &Settings) -> Result<Vec<EnteReader>> {
    let created = LocalReaders::of(settings).map(|file| file.read());
    let created = created.transpose()?.unwrap_or_default();
    let readers = settings.engine.readers.iter().chain(&created);
    let readers = readers.map(|reader| EnteReader {
        user: reader.user.clone(),
        password_sha256: reader.password_sha256.clone(),
        enti: reader.enti.clone(),
    });
    Ok(readers.collect())
}

fn publish(path: &Path, endpoints: &Endpoints) -> Result<()> {
    // Write and rename, so that readers see the old file or the complete new one.
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(serde_json::to_string_pretty(endpoints)?.as_bytes())?;
    drop(file);
    Ok(fs::rename(&fresh, path)?)
}
