//! The shared engines, and helpers to run the program on them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use affluenza_engine::{Cache, ClickHouse, ClickHouseSettings, Kafka, KafkaJars, KafkaSettings};
use affluenza_kafka::{
    Cluster, Config as BusConfig, NextOffset, Partition, Polled, Reader, Writer,
};
use affluenza_store::{Config as StoreConfig, Store};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::http::Access;

/// A real Kafka and a real ClickHouse.
pub struct Engines {
    pub kafka: Kafka,
    pub clickhouse: ClickHouse,
    pub folder: PathBuf,
    /// Java, and the jars of Kafka's own client.
    pub jars: KafkaJars,
    /// Removed at the end; `None` for a folder that is kept.
    temporary: Option<TempDir>,
    pub runtime: tokio::runtime::Handle,
    /// JSON output of the demo.
    demo: OnceLock<String>,
}

impl Engines {
    pub async fn start() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder can be made");
        let mut engines = Self::start_in(temporary.path()).await;
        engines.temporary = Some(temporary);
        engines
    }

    /// Starts the engines in a folder that is kept.
    pub async fn start_in(folder: &Path) -> Self {
        let cache = Cache::from_env().expect("there is a cache folder");
        let say = |line: &str| eprintln!("{line}");
        let jars = cache.prepare_kafka(&say).expect("Kafka can be fetched");
        let library = cache
            .prepare_clickhouse(&say)
            .expect("ClickHouse can be fetched");
        let kafka_settings = KafkaSettings::new(folder.join("kafka"));
        let clickhouse_settings = ClickHouseSettings {
            // A contender of the benches writes through the native port.
            tcp_port: Some(free_port()),
            ..ClickHouseSettings::new(folder.join("clickhouse"))
        };
        let (kafka, clickhouse) = tokio::join!(
            Kafka::start(&kafka_settings, &jars),
            ClickHouse::start(&clickhouse_settings, &library)
        );
        Self {
            kafka: kafka.expect("Kafka starts"),
            clickhouse: clickhouse.expect("ClickHouse starts"),
            folder: folder.to_owned(),
            jars: jars.clone(),
            temporary: None,
            runtime: tokio::runtime::Handle::current(),
            demo: OnceLock::new(),
        }
    }

    pub async fn stop(self) {
        self.clickhouse.stop().await.expect("ClickHouse stops");
        self.kafka.stop().await.expect("Kafka stops");
        if let Some(temporary) = self.temporary {
            let removed = temporary.close();
            removed.expect("the temporary folder can be removed");
        }
    }

    /// Folders with data and logs of Kafka and ClickHouse.
    pub fn folders(&self) -> [PathBuf; 2] {
        ["kafka", "clickhouse"].map(|engine| self.folder.join(engine))
    }

    /// The place with the years 2016 and 2017 of the demo, and the demo's JSON output. Created
    /// once, for tests that only read.
    pub fn demo(&self) -> (Place<'_>, &str) {
        let printed = self.demo.get_or_init(|| {
            // External engines are configured, so the demo starts none.
            let demo = ["up", "--demo", "--once", "--seed", "3", "--format", "json"];
            self.place("demo").run(&demo)
        });
        (self.place_in(self.folder.join("demo"), "demo"), printed)
    }

    /// Creates a topic, a group and a database for a test.
    pub fn place(&self, name: &str) -> Place<'_> {
        let folder = self.folder.join(name);
        std::fs::create_dir(&folder).expect("each test uses a unique name");
        self.place_in(folder, name)
    }

    /// Creates a place with an existing folder.
    pub fn place_in(&self, folder: PathBuf, name: &str) -> Place<'_> {
        let config = folder.join("affluenza.toml");
        let place = Place {
            engines: self,
            name: name.to_owned(),
            folder,
            config,
            clickhouse: StoreConfig {
                url: self.clickhouse.http_url(),
                database: name.to_owned(),
                user: self.clickhouse.user().to_owned(),
                password: self.clickhouse.password().to_owned().into(),
                ..StoreConfig::default()
            },
        };
        place.configure();
        place
    }
}

/// Topic, group and database of a test.
pub struct Place<'e> {
    engines: &'e Engines,
    name: String,
    pub folder: PathBuf,
    pub config: PathBuf,
    pub clickhouse: StoreConfig,
}

/// Prints the last lines of each log if the test failed.
impl Drop for Place<'_> {
    fn drop(&mut self) {
        const LINES: usize = 40;
        if !std::thread::panicking() {
            return;
        }
        for entry in std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            if path.extension().is_some_and(|it| it == "log")
                && let Ok(log) = std::fs::read(&path)
            {
                let log = String::from_utf8_lossy(&log);
                let lines: Vec<&str> = log.lines().collect();
                let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
                eprintln!("last lines of {} of {}:\n{last}", path.display(), self.name);
            }
        }
    }
}

impl Place<'_> {
    /// Writes the program's configuration.
    pub fn configure(&self) {
        let clickhouse = &self.clickhouse;
        let text = format!(
            r#"
            [kafka]
            bootstrap_servers = "{}"
            partitions = 4
            topic = "{name}.events"
            dead_letter_topic = "{name}.dead-letters"
            erasure_topic = "{name}.erasures"
            group = "{name}"

            [clickhouse]
            url = "{}"
            cluster = "{}"
            nodes = {:?}
            database = "{}"
            user = "{}"
            password = "{}"

            [log]
            filter = "info"
            "#,
            self.engines.kafka.bootstrap(),
            clickhouse.url,
            clickhouse.cluster,
            clickhouse.nodes,
            clickhouse.database,
            clickhouse.user,
            clickhouse.password.expose_secret(),
            name = self.name,
        );
        std::fs::write(&self.config, text).expect("the configuration can be written");
    }

    /// Returns a command with this place's configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command
            .env("AFFLUENZA_CONFIG", &self.config)
            .env("AFFLUENZA_DATA", self.folder.join("data"));
        command
    }

    /// Runs the program, asserts success, and returns the output.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the program runs");
        assert!(
            output.status.success(),
            "affluenza {arguments:?} failed: {}\n{}",
            stderr(&output),
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8(output.stdout).expect("it prints text")
    }

    /// Starts the program; its log goes to a file in the place's folder.
    pub fn spawn(&self, arguments: &[&str], log: &str) -> Running {
        self.spawn_with(arguments, log, &[])
    }

    /// Starts the program with additional settings from the environment.
    pub fn spawn_with(&self, arguments: &[&str], log: &str, settings: &[(&str, &str)]) -> Running {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join(log))
            .expect("the log can be opened");
        let child = self
            .command(arguments)
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        Running(child)
    }

    pub fn bus(&self) -> BusConfig {
        BusConfig {
            bootstrap_servers: self.engines.kafka.bootstrap(),
            topic: format!("{}.events", self.name),
            dead_letter_topic: format!("{}.dead-letters", self.name),
            erasure_topic: format!("{}.erasures", self.name),
            group: self.name.clone(),
            ..BusConfig::default()
        }
    }

    pub fn store(&self) -> Store {
        Store::new(&self.clickhouse)
    }

    /// Runs a future of the store to completion.
    pub fn wait<F: Future>(&self, work: F) -> F::Output {
        self.engines.runtime.block_on(work)
    }

    /// Returns the number of months whose hour rows are not compared yet. No year closes before.
    pub fn months_in_doubt(&self) -> u64 {
        self.count("SELECT count() FROM months_in_doubt FINAL WHERE NOT settled")
    }

    /// Returns the number in the first column of a query.
    pub fn count(&self, query: &str) -> u64 {
        self.wait(self.store().admin().count(query))
            .expect("the query is answered")
    }

    /// End offsets of the topic's partitions.
    pub fn ends(&self) -> BTreeMap<Partition, NextOffset> {
        let cluster = Cluster::new(&self.bus()).expect("Kafka can be asked");
        let held = cluster
            .watermarks(&self.bus().topic)
            .expect("the topic is there");
        held.into_iter()
            .map(|(partition, held)| (partition, held.high))
            .collect()
    }

    /// Writes records to the topic, keyed by `key`.
    pub fn produce<'r>(&self, records: impl IntoIterator<Item = (&'r str, &'r [u8])>) {
        let bus = self.bus();
        let writer = Writer::new(&bus, &bus.topic).expect("Kafka can be written");
        for (key, record) in records {
            writer
                .send(key.as_bytes(), record, None, &[])
                .expect("a record is taken");
        }
        writer
            .flush(Duration::from_secs(30))
            .expect("all are acknowledged");
    }

    /// Access to this place's database over plain HTTP.
    pub fn access(&self) -> Access {
        let clickhouse = &self.clickhouse;
        Access {
            address: clickhouse.url.replace("http://", ""),
            user: clickhouse.user.clone(),
            password: clickhouse.password.expose_secret().to_owned(),
            database: clickhouse.database.clone(),
        }
    }

    /// Number of records that the ledger contains, over all partitions.
    pub fn records_processed(&self) -> u64 {
        self.count("SELECT sum(records_read) FROM ingest_ledger FINAL")
    }
}

/// A running program, killed on drop.
pub struct Running(pub Child);

impl Running {
    /// Sends SIGKILL, so that nothing is finished.
    pub fn kill(mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }

    /// Sends SIGTERM and asserts a successful exit.
    pub fn terminate(self) {
        let status = self.end();
        assert!(status.success(), "it ends well: {status}");
    }

    /// Sends SIGTERM and waits for the exit.
    pub fn end(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be told");
        self.0.wait().expect("it ends")
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("it can be asked").is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns a command without environment variables that would configure the program.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_affluenza"));
    for (name, _) in std::env::vars_os() {
        let is_setting = name
            .to_str()
            .is_some_and(|name| name.starts_with("AFFLUENZA_") && name != "AFFLUENZA_CACHE");
        if is_setting {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Commits an offset and metadata for a group without members, as an operator would.
pub fn set_offset(bus: &BusConfig, partition: Partition, next: NextOffset, metadata: &str) {
    let reader = Reader::join(bus).expect("the group can be joined");
    loop {
        let polled = reader.poll(Duration::from_millis(100));
        if let Polled::Assigned(given) = polled.expect("Kafka answers")
            && given.contains(&partition)
        {
            return reader
                .assign(&[(partition, next)])
                .and_then(|()| reader.commit(partition, next, metadata))
                .expect("an offset can be set");
        }
    }
}

/// Polls until `condition` is true; panics with `what` after four minutes, which is far more than a
/// loaded machine needs.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(240);
    while !condition() {
        assert!(Instant::now() < until, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Path of a file in the source tree.
pub fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Writes a file into `folder`.
pub fn write(folder: &Path, name: &str, contents: &[u8]) -> PathBuf {
    let path = folder.join(name);
    let mut file = std::fs::File::create(&path).expect("a file can be made");
    file.write_all(contents).expect("a file can be written");
    path
}

/// Returns a port that is free at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it has one").port()
}

/// Returns the retention, in months, with which facts are compared from May 2017 on, and the first
/// day whose facts have not expired. The boundary moves a day before the first facts expire, so on
/// the last day of a month the facts of another month are there.
pub fn retention_until_may_2017() -> (i32, &'static str) {
    let now = Timestamp::now().in_tz("UTC").expect("a zone");
    let next = now.tomorrow().expect("a day");
    let months = (i32::from(next.year()) - 2017) * 12 + i32::from(next.month()) - 4;
    let is_last_day = now.month() != next.month();
    (
        months,
        if is_last_day {
            "2017-03-01"
        } else {
            "2017-04-01"
        },
    )
}
