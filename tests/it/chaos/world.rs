//! A Kafka and a ClickHouse that can be killed, and the processes of the program.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use affluenza_engine::{
    Cache, ClickHouse, ClickHouseLibrary, ClickHouseSettings, Kafka, KafkaJars, KafkaSettings,
};
use affluenza_kafka::{Cluster, Config as BusConfig};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::random::Random;
use super::setup::{DATABASE, DEAD_LETTER_TOPIC, TOPIC, configure, lasting_port, other_register};
use crate::http::Access;
use crate::support::{Running, program};

/// Timeout of every wait.
const PATIENCE: Duration = Duration::from_secs(120);
/// Texts of alarms. The injected faults must not cause any of them, except for the fault that
/// expects one.
const ALARMS: [&str; 8] = [
    "created again",
    "ledger reaches to",
    "were deleted before",
    "out of range",
    "was truncated",
    "was changed",
    "another program",
    "panicked",
];

/// A running consumer.
pub struct Member {
    running: Running,
    log: PathBuf,
    /// Slot of a static member's instance id, if it is one.
    slot: usize,
}

impl Member {
    /// Number of partitions assigned so far.
    pub fn assigned(&self) -> usize {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.matches("partition assigned").count()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.running.0), signal).expect("it can be signalled");
    }
}

/// Kafka, ClickHouse and the consumers.
pub struct World {
    runtime: tokio::runtime::Handle,
    kafka: Option<Kafka>,
    clickhouse: Option<ClickHouse>,
    kafka_settings: KafkaSettings,
    clickhouse_settings: ClickHouseSettings,
    jars: KafkaJars,
    library: ClickHouseLibrary,
    config: PathBuf,
    other_register: PathBuf,
    pub access: Access,
    pub bootstrap: String,
    pub group: String,
    pub has_other_rules: bool,
    pub members: Vec<Member>,
    members_begun: u64,
    /// Consumers that ended without a signal, by their error.
    pub exits: BTreeMap<String, u64>,
    /// Number of tokens that repairs of the deduplication logs removed, over all starts.
    pub tokens_taken_back: usize,
    folder: TempDir,
}

impl World {
    pub fn start(runtime: &tokio::runtime::Handle) -> Self {
        let mut folder = tempfile::tempdir().expect("a temporary folder can be made");
        if std::env::var_os("CHAOS_KEEP").is_some_and(|keep| !keep.is_empty()) {
            folder.disable_cleanup(true);
            eprintln!("chaos: {} is kept", folder.path().display());
        }
        let cache = Cache::from_env().expect("there is a cache folder");
        let say = |line: &str| eprintln!("{line}");
        let jars = cache.prepare_kafka(&say).expect("Kafka can be fetched");
        let library = cache
            .prepare_clickhouse(&say)
            .expect("ClickHouse can be fetched");
        let mut kafka_settings = KafkaSettings::new(folder.path().join("kafka"));
        kafka_settings.port = Some(lasting_port());
        let properties = [
            ("group.min.session.timeout.ms", "500"),
            // A killed broker is admitted again after its session ends.
            ("broker.session.timeout.ms", "1500"),
            ("broker.heartbeat.interval.ms", "300"),
        ];
        kafka_settings.properties = properties
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let mut clickhouse_settings = ClickHouseSettings::new(folder.path().join("clickhouse"));
        clickhouse_settings.http_port = Some(lasting_port());
        let (kafka, clickhouse) = runtime.block_on(async {
            tokio::join!(
                Kafka::start(&kafka_settings, &jars),
                ClickHouse::start(&clickhouse_settings, &library)
            )
        });
        let kafka = kafka.expect("Kafka starts");
        let clickhouse = clickhouse.expect("ClickHouse starts");
        let access = Access {
            address: clickhouse.http_url().replace("http://", ""),
            user: clickhouse.user().to_owned(),
            password: clickhouse.password().to_owned(),
            database: DATABASE.to_owned(),
        };
        let bootstrap = kafka.bootstrap();
        let config = configure(folder.path(), &bootstrap, &access);
        Self {
            runtime: runtime.clone(),
            kafka: Some(kafka),
            clickhouse: Some(clickhouse),
            kafka_settings,
            clickhouse_settings,
            jars,
            library,
            config,
            other_register: other_register(folder.path()),
            access,
            bootstrap,
            group: "chaos".into(),
            has_other_rules: false,
            members: Vec::new(),
            members_begun: 0,
            exits: BTreeMap::new(),
            tokens_taken_back: 0,
            folder,
        }
    }

    /// Stops all processes and removes the folder.
    pub fn stop(mut self) {
        self.members.clear();
        let (kafka, clickhouse) = (self.kafka.take(), self.clickhouse.take());
        self.runtime.block_on(async {
            if let Some(clickhouse) = clickhouse {
                clickhouse.stop().await.expect("ClickHouse stops");
            }
            if let Some(kafka) = kafka {
                kafka.stop().await.expect("Kafka stops");
            }
        });
        self.folder.close().expect("the folder can be removed");
    }

    pub fn bus(&self) -> BusConfig {
        BusConfig {
            bootstrap_servers: self.bootstrap.clone(),
            topic: TOPIC.into(),
            dead_letter_topic: DEAD_LETTER_TOPIC.into(),
            group: self.group.clone(),
            ..BusConfig::default()
        }
    }

    /// Returns a command with the current group and rules.
    pub fn command(&self, arguments: &[impl AsRef<str>]) -> Command {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        let mut command = program(&arguments);
        command
            .env("AFFLUENZA_CONFIG", &self.config)
            .env("AFFLUENZA_DATA", self.folder.path().join("data"))
            .env("AFFLUENZA__KAFKA__GROUP", &self.group);
        // Another register would make the simulator write other events with the same ids.
        let simulates = arguments.first() == Some(&"simulate");
        if self.has_other_rules && !simulates {
            command.env("AFFLUENZA__REGISTER__FILE", &self.other_register);
        }
        command
    }

    /// Runs the program, asserts success, and returns its output.
    pub fn run(&self, arguments: &[impl AsRef<str>]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "it failed: {said}");
        String::from_utf8(output.stdout).expect("it prints text")
    }

    /// Runs the program to its end, within a timeout.
    pub fn output(&self, arguments: &[impl AsRef<str>]) -> Output {
        let child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let pid = Pid::from_child(&child);
        let (result_in, result) = mpsc::channel();
        let waiting = std::thread::spawn(move || result_in.send(child.wait_with_output()));
        let Ok(output) = result.recv_timeout(PATIENCE) else {
            // The child is not reaped yet, so the process id is still its own.
            let _ = kill_process(pid, Signal::KILL);
            let _ = waiting.join();
            let words: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
            panic!("{words:?} does not end; {}", self.standing());
        };
        output.expect("the program can be waited for")
    }

    pub fn spawn(
        &self,
        arguments: &[impl AsRef<str>],
        log: &str,
        env: &[(&str, String)],
    ) -> Running {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join(log))
            .expect("the log can be opened");
        let child = self
            .command(arguments)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        Running(child)
    }

    /// Starts a consumer with limits and a kind of membership chosen by the seed.
    pub fn add_member(&mut self, random: &mut Random) {
        self.members_begun += 1;
        let log = format!("consumer-{}.log", self.members_begun);
        let mut env = vec![
            (
                "AFFLUENZA__CONSUME__BLOCK_RECORDS_MAX",
                random.between(500, 5_000).to_string(),
            ),
            (
                "AFFLUENZA__CLICKHOUSE__INSERT_SECONDS_MAX",
                random.pick(&["4", "6", "10"]).to_string(),
            ),
        ];
        // A static member gets its partitions back at once. With dynamic members the group waits
        // for the session timeout of the dead one.
        let is_taken = |slot| self.members.iter().any(|member| member.slot == slot);
        let slot = usize::from(is_taken(0));
        if random.percent(50) {
            env.push(("AFFLUENZA__KAFKA__INSTANCE", format!("member-{slot}")));
        }
        let running = self.spawn(&["consume"], &log, &env);
        self.members.push(Member {
            running,
            log: self.folder.path().join(log),
            slot,
        });
    }

    /// Restarts consumers that have ended, as a supervisor would. Panics on an alarm, because only
    /// one fault may cause one.
    pub fn supervise(&mut self, random: &mut Random) {
        for at in (0..self.members.len()).rev() {
            if self.members[at].running.has_ended() {
                let member = self.members.remove(at);
                let last = last_words(&member.log);
                let alarm = ALARMS.iter().find(|alarm| last.contains(**alarm));
                assert!(alarm.is_none(), "a consumer gives an alarm: {last}");
                *self.exits.entry(without_numbers(&last)).or_default() += 1;
                self.add_member(random);
            }
        }
    }

    /// Waits until `condition` is true, and restarts consumers that end meanwhile.
    pub fn eventually(
        &mut self,
        what: &str,
        random: &mut Random,
        mut condition: impl FnMut(&mut Self) -> bool,
    ) {
        let until = Instant::now() + PATIENCE;
        while !condition(self) {
            self.supervise(random);
            if Instant::now() > until {
                let mut logs: Vec<String> = self.members.iter().map(|m| tail(&m.log)).collect();
                logs.push(tail(&self.folder.path().join("producer.log")));
                panic!(
                    "timed out: {what}; {}; the logs of consumers and producer end with:\n{}",
                    self.standing(),
                    logs.join("\n\n")
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Number of processed records, if ClickHouse answers.
    pub fn progress(&self) -> Option<u64> {
        self.access
            .ask(
                "SELECT sum(e) FROM (SELECT max(next_offset) AS e FROM ingest_ledger GROUP BY kafka_partition)",
                Duration::from_secs(5),
            )
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Offsets of ledger, group and log, for error messages.
    fn standing(&self) -> String {
        let bus = self.bus();
        let cluster = Cluster::new(&bus).expect("Kafka can be asked");
        format!(
            "dealt with {:?}, committed {:?}, in the log {:?}",
            self.progress(),
            cluster.committed(&bus),
            cluster.watermarks(TOPIC)
        )
    }

    pub fn kill_member(&mut self, at: usize) {
        let member = self.members.remove(at);
        member.running.kill();
    }

    /// Sends SIGTERM to a consumer, which finishes its open blocks.
    pub fn end_member(&mut self, at: usize) {
        let mut member = self.members.remove(at);
        if !member.running.has_ended() {
            let status = member.running.end();
            // A consumer that has just started has no signal handler yet.
            let is_young = status.signal() == Some(Signal::TERM.as_raw());
            assert!(
                status.success() || is_young,
                "it ends well: {status}; its log ends with:\n{}",
                tail(&member.log)
            );
        }
    }

    pub fn kill_clickhouse(&mut self) {
        if let Some(clickhouse) = self.clickhouse.take() {
            self.runtime.block_on(clickhouse.kill());
        }
    }

    pub fn start_clickhouse(&mut self) {
        if self.clickhouse.is_none() {
            let start = ClickHouse::start(&self.clickhouse_settings, &self.library);
            let clickhouse = self.runtime.block_on(start).expect("ClickHouse starts");
            self.tokens_taken_back += clickhouse.repair().lost_parts.len();
            self.clickhouse = Some(clickhouse);
        }
    }

    pub fn signal_clickhouse(&self, signal: Signal) {
        let running = self.clickhouse.as_ref().expect("ClickHouse runs");
        let pid = Pid::from_raw(running.pid().cast_signed()).expect("it has a number");
        kill_process(pid, signal).expect("it can be signalled");
    }

    pub fn kill_kafka(&mut self) {
        if let Some(kafka) = self.kafka.take() {
            self.runtime.block_on(kafka.kill());
        }
    }

    pub fn start_kafka(&mut self) {
        if self.kafka.is_none() {
            let start = Kafka::start(&self.kafka_settings, &self.jars);
            self.kafka = Some(self.runtime.block_on(start).expect("Kafka starts"));
        }
    }
}

/// Last lines of a consumer's log.
fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("nothing").to_owned()
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Replaces numbers, so that equal errors at different positions are one.
fn without_numbers(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars().take(160) {
        if !c.is_ascii_digit() {
            short.push(c);
        } else if !short.ends_with('#') {
            short.push('#');
        }
    }
    short
}
