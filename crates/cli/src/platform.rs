//! Where Kafka and ClickHouse are: external ones where the configuration names them, those of
//! an `up` that runs on this machine, or own ones for as long as the command takes.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use affluenza_engine::{
    Cache, ClickHouse, ClickHouseSettings, DataDir, EngineError, Kafka, KafkaSettings, Kept,
    RowReader, Startable as _,
};
use affluenza_store::access::{READABLE, Readable, row_filter};
use anyhow::{Context, Result, anyhow, bail};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::output::say;
use crate::settings::Settings;

/// Name of the file in which the owner of the engines tells others where they are.
const ENDPOINTS: &str = "endpoints.json";

/// How long a clean stop of the engines may take, before they are killed. Kafka flushes its indexes
/// meanwhile, and ClickHouse waits for what is being inserted.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// With less than this an engine cannot go on.
const DISK_BYTES_MIN: u64 = 32 * 1024 * 1024;

/// What a command needs.
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
}

/// What the owner of the engines tells others. Readable by its owner only: it holds a password.
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

/// Kafka and ClickHouse, ready to be used.
pub struct Platform {
    /// How to reach Kafka.
    pub bus: affluenza_bus::Config,
    /// How to reach ClickHouse.
    pub store: affluenza_store::Config,
    /// How to reach it as the user that only reads.
    pub reader: affluenza_store::Config,
    /// Whether this command started the engines: then nobody else consumes.
    pub is_owner: bool,
    /// True if the ClickHouse that this command started had not ended cleanly before.
    pub is_after_crash: bool,
    kafka: Option<Kept>,
    clickhouse: Option<Kept>,
    owned: Option<(DataDir, PathBuf)>,
}

impl Platform {
    /// Makes available what is needed.
    pub async fn open(settings: &Settings, needs: Needs) -> Result<Self> {
        let mut platform = Self {
            bus: settings.kafka.clone(),
            store: settings.clickhouse.clone(),
            reader: settings.clickhouse.for_reading(),
            is_owner: false,
            is_after_crash: false,
            kafka: None,
            clickhouse: None,
            owned: None,
        };
        let local = Needs {
            kafka: needs.kafka && settings.kafka.bootstrap_servers.is_empty(),
            clickhouse: needs.clickhouse && settings.clickhouse.url.is_empty(),
        };
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
        let jars = if local.kafka {
            Some(cache.prepare_kafka(&say)?)
        } else {
            None
        };
        let library = if local.clickhouse {
            Some(cache.prepare_clickhouse(&say)?)
        } else {
            None
        };
        let folder = lock.path().to_owned();
        let readers = row_readers(settings);
        let kafka = async {
            let Some(jars) = jars else { return Ok(None) };
            let mut settings = KafkaSettings::new(folder.join("kafka"));
            settings.port = Some(engine.kafka_port).filter(|port| *port != 0);
            settings.heap_mib = engine.kafka_heap_mib;
            settings.sync_writes = engine.sync_writes;
            let recipe = (settings, jars);
            Ok(Some((Kafka::start_from(&recipe).await?, recipe)))
        };
        let clickhouse = async {
            let Some(library) = library else {
                return Ok(None);
            };
            let mut settings = ClickHouseSettings::new(folder.join("clickhouse"));
            settings.http_port = Some(engine.clickhouse_http_port).filter(|port| *port != 0);
            settings.memory_mib = engine.clickhouse_memory_mib;
            settings.sync_writes = engine.sync_writes;
            settings.readers = readers;
            let recipe = (settings, library);
            Ok(Some((ClickHouse::start_from(&recipe).await?, recipe)))
        };
        let (kafka, clickhouse) = tokio::try_join!(kafka, clickhouse)
            .map_err(|error: EngineError| anyhow::Error::from(error))?;
        let mut endpoints = Endpoints::default();
        if let Some((kafka, recipe)) = kafka {
            endpoints.kafka = Some(kafka.bootstrap());
            self.kafka = Some(Kept::keep(kafka, recipe));
        }
        if let Some((clickhouse, recipe)) = clickhouse {
            endpoints.clickhouse = Some(clickhouse.http_url());
            clickhouse.user().clone_into(&mut endpoints.user);
            clickhouse.password().clone_into(&mut endpoints.password);
            clickhouse.reader().clone_into(&mut endpoints.reader);
            clickhouse
                .reader_password()
                .clone_into(&mut endpoints.reader_password);
            self.is_after_crash = clickhouse.is_after_crash();
            self.clickhouse = Some(Kept::keep(clickhouse, recipe));
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

    /// Waits until an engine that this command started is lost: it ended, and cannot be started again.
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

    /// Counts how often this command started its ClickHouse again; `None` if it started none.
    pub fn clickhouse_restarts(&self) -> Option<watch::Receiver<u64>> {
        self.clickhouse.as_ref().map(Kept::restarts)
    }

    /// Why an engine was lost, with the cause that engines themselves do not put clearly.
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

    /// Stops what this command started.
    pub async fn close(self) -> Result<()> {
        self.close_within(STOP_WITHIN).await
    }

    /// As [`Platform::close`], by force after `within`.
    pub async fn close_within(self, within: Duration) -> Result<()> {
        if let Some((_, endpoints)) = &self.owned {
            let _ = fs::remove_file(endpoints);
        }
        let stop = async |engine: Option<Kept>| match engine {
            Some(engine) => engine.stop_within(within).await,
            None => Ok(()),
        };
        let (clickhouse, kafka) = tokio::join!(stop(self.clickhouse), stop(self.kafka));
        clickhouse?;
        Ok(kafka?)
    }

    /// Lines that tell a person how to reach the parts.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.bus.bootstrap_servers.is_empty() {
            lines.push(format!(
                "Kafka       {}  topic {}",
                self.bus.bootstrap_servers, self.bus.topic
            ));
        }
        if !self.store.url.is_empty() {
            let secret = if self.store.password.expose_secret().is_empty() {
                ""
            } else {
                "  (password in clickhouse/password of the data folder)"
            };
            lines.push(format!(
                "ClickHouse  {}  database {}  user {}{secret}",
                self.store.url, self.store.database, self.store.user
            ));
        }
        lines
    }
}

/// Readers of some enti, as the engine's users file has them.
fn row_readers(settings: &Settings) -> Vec<RowReader> {
    let tables = |enti: &[String]| {
        let filter = |column| row_filter(column, enti);
        let table = |readable: &Readable| (readable.table.to_owned(), readable.ente.map(filter));
        READABLE.iter().map(table).collect()
    };
    settings
        .engine
        .readers
        .iter()
        .map(|reader| RowReader {
            name: reader.user.clone(),
            password_sha256: reader.password_sha256.clone(),
            database: settings.clickhouse.database.clone(),
            tables: tables(&reader.enti),
        })
        .collect()
}

fn publish(path: &Path, endpoints: &Endpoints) -> Result<()> {
    // Readers find the old file or the whole new one.
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
