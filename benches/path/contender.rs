//! The contenders of the comparison, and how each is run.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::Access;
use crate::in_sql::Form;
use crate::measure::{Begun, Measured};
use crate::support::{Engines, Place, Running};
use crate::{flink, in_sql, limits, otelcol, plain};

/// Maximum duration of one run.
const PATIENCE: Duration = Duration::from_secs(600);
/// Interval at which the Kafka engine writes a block.
const FLUSH_MS: u32 = 400;

/// A program or a limit that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// `affluenza consume --once`.
    Affluenza,
    /// Reads, parses, classifies and writes like the program, but without exactly-once: no offset
    /// metadata, memory of duplicates, tokens, checksums or ledger. A crash counts events twice.
    AtLeastOnce,
    /// ClickHouse reads the topic as texts and classifies in SQL.
    KafkaEngine,
    /// ClickHouse reads the topic with an event's fields as columns, as its manual shows.
    KafkaColumns,
    /// The OpenTelemetry Collector writes the events to ClickHouse, which classifies in the same
    /// SQL.
    Collector,
    /// Apache Flink writes the events to ClickHouse, which classifies in the same SQL.
    Flink,
    /// Reads the topic and counts records: the first limit.
    Count,
    /// Decodes, classifies and encodes records in memory, on one core: the program's own work.
    Work,
    /// Inserts blocks that were encoded before: the second limit.
    Insert,
}

impl Contender {
    pub const ALL: [Self; 9] = [
        Self::Affluenza,
        Self::AtLeastOnce,
        Self::KafkaEngine,
        Self::KafkaColumns,
        Self::Collector,
        Self::Flink,
        Self::Count,
        Self::Work,
        Self::Insert,
    ];

    /// The parts of the program's work.
    pub const PARTS: [Self; 3] = [Self::Count, Self::Work, Self::Insert];

    const fn name(self) -> &'static str {
        match self {
            Self::Affluenza => "affluenza",
            Self::AtLeastOnce => "plain at-least-once",
            Self::KafkaEngine => "ClickHouse Kafka engine, texts",
            Self::KafkaColumns => "ClickHouse Kafka engine, columns",
            Self::Collector => "OpenTelemetry Collector",
            Self::Flink => "Apache Flink",
            Self::Count => "limit: count only",
            Self::Work => "decode, classify, encode",
            Self::Insert => "limit: insert only",
        }
    }

    /// Returns the contenders whose names start with a prefix in `CONTENDERS` (case-insensitive),
    /// or all without it. Leaves out peers that cannot be built.
    pub fn chosen() -> Vec<Self> {
        let wanted = std::env::var("CONTENDERS")
            .unwrap_or_default()
            .to_lowercase();
        let is_wanted = |contender: &Self| {
            let name = contender.name().to_lowercase();
            wanted.is_empty() || wanted.split(',').any(|begins| name.starts_with(begins))
        };
        let is_there = |contender: &Self| match contender {
            Self::Collector => otelcol::program().is_some(),
            Self::Flink => flink::program().is_some(),
            _ => true,
        };
        Self::ALL
            .into_iter()
            .filter(is_wanted)
            .filter(is_there)
            .collect()
    }

    /// True if the contender writes facts.
    pub const fn writes(self) -> bool {
        !matches!(self, Self::Count | Self::Work)
    }

    /// Runs the contender once. Panics unless the database then holds `events` facts.
    pub fn run(self, target: &Target<'_, '_>, engines: &Engines, events: u64) -> Measured {
        let (clickhouse, kafka) = (engines.clickhouse.pid(), engines.kafka.pid());
        let settle = || target.wait_for_merges();
        let measured = match self {
            Self::KafkaEngine | Self::KafkaColumns => {
                in_sql::make_categories(target);
                let begun = Begun::now(clickhouse, kafka);
                let form = match self {
                    Self::KafkaColumns => Form::Columns,
                    _ => Form::Text,
                };
                in_sql::start_kafka_engine(target, form, FLUSH_MS);
                in_sql::wait_for(target, events, || ());
                in_sql::stop_kafka_engine(target);
                begun.until_now(settle)
            }
            Self::Collector => {
                let mut command = otelcol::prepare(target, engines);
                let begun = Begun::now(clickhouse, kafka);
                let mut collector = Running(quiet(&mut command).spawn().expect("it starts"));
                otelcol::wait(target, &mut collector, events);
                begun.terminate_and_measure(collector, 0.0, settle)
            }
            Self::Flink => {
                let (mut cluster, job) = flink::start(target);
                let begun = Begun::now(clickhouse, kafka);
                let before = crate::measure::cpu_of(cluster.0.id());
                job.go();
                flink::wait(target, &mut cluster, events);
                begun.terminate_and_measure(cluster, before, settle)
            }
            Self::Affluenza => {
                let mut command = target.place.command(&["consume", "--once"]);
                command
                    .env("AFFLUENZA__KAFKA__GROUP", &target.group)
                    .env("AFFLUENZA__CLICKHOUSE__DATABASE", &target.access.database);
                let begun = Begun::now(clickhouse, kafka);
                let mut child = quiet(&mut command).spawn().expect("the program starts");
                begun.until_end_of(&mut child, 0.0, settle)
            }
            Self::AtLeastOnce | Self::Count => {
                let mut command = target.role(self);
                let begun = Begun::now(clickhouse, kafka);
                let mut child = quiet(&mut command).spawn().expect("a copy starts");
                begun.until_end_of(&mut child, 0.0, settle)
            }
            Self::Insert | Self::Work => {
                let mut command = target.role(self);
                command.stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut child = command.spawn().expect("a copy starts");
                let ready = limits::wait_until_ready(&mut child);
                let begun = Begun::now(clickhouse, kafka);
                let before = crate::measure::cpu_of(child.id());
                ready.go();
                begun.until_end_of(&mut child, before, settle)
            }
        };
        if self.writes() {
            assert_eq!(target.facts(), events, "{self} wrote every event once");
        }
        measured
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::inherit())
}

/// The database and the consumer group of one run.
pub struct Target<'p, 'e> {
    pub place: &'p Place<'e>,
    pub access: Access,
    pub group: String,
}

impl<'p, 'e> Target<'p, 'e> {
    pub fn new(
        place: &'p Place<'e>,
        engines: &Engines,
        contender: Contender,
        round: usize,
    ) -> Self {
        let clickhouse = &engines.clickhouse;
        let name = format!("path_{}_{round}", contender as usize);
        let status = place
            .command(&["migrate"])
            .env("AFFLUENZA__CLICKHOUSE__DATABASE", &name)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the program runs");
        assert!(status.success(), "the schema can be made");
        Self {
            place,
            group: name.clone(),
            access: Access {
                address: clickhouse.http_url().replace("http://", ""),
                user: clickhouse.user().to_owned(),
                password: clickhouse.password().to_owned(),
                database: name,
            },
        }
    }

    /// Returns a command that runs this program in the role of `contender`.
    fn role(&self, contender: Contender) -> Command {
        let bus = self.place.bus();
        let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
        command.arg(ROLE).arg((contender as usize).to_string());
        command.args([&bus.bootstrap_servers, &bus.topic, &self.group]);
        let Access {
            address,
            user,
            password,
            database,
        } = &self.access;
        command.args([address, user, password, database]);
        command
    }

    pub fn facts(&self) -> u64 {
        self.number("SELECT count() FROM usage_events")
    }

    /// Events, accesses and service uses by category and device, from the table that dashboards
    /// read.
    pub fn totals(&self) -> Vec<Vec<String>> {
        self.access.rows(
            "SELECT category, device, sum(events), sum(accesses), sum(service_uses) FROM usage_hourly GROUP BY ALL ORDER BY ALL",
        )
    }

    pub fn number(&self, query: &str) -> u64 {
        self.access.rows(query)[0][0].parse().expect("a number")
    }

    fn wait_for_merges(&self) {
        let merges = format!(
            "SELECT count() FROM system.merges WHERE database = '{}'",
            self.access.database
        );
        let until = Instant::now() + PATIENCE;
        while self.number(&merges) > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn drop_database(&self) {
        let drop = format!("DROP DATABASE {} SYNC", self.access.database);
        self.access.ask(&drop, PATIENCE).expect("it can be dropped");
    }
}

const ROLE: &str = "--role";

/// The role that a copy of this program plays.
pub struct Role {
    contender: Contender,
    pub bus: affluenza_kafka::Config,
    pub access: Access,
}

impl Role {
    pub fn of(arguments: &[String]) -> Option<Self> {
        let [
            role,
            contender,
            bootstrap,
            topic,
            group,
            address,
            user,
            password,
            database,
        ] = arguments
        else {
            return None;
        };
        if role != ROLE {
            return None;
        }
        let contender: usize = contender.parse().ok()?;
        Some(Self {
            contender: *Contender::ALL.get(contender)?,
            bus: affluenza_kafka::Config {
                bootstrap_servers: bootstrap.clone(),
                topic: topic.clone(),
                group: group.clone(),
                ..affluenza_kafka::Config::default()
            },
            access: Access {
                address: address.clone(),
                user: user.clone(),
                password: password.clone(),
                database: database.clone(),
            },
        })
    }

    pub fn play(self) {
        match self.contender {
            Contender::AtLeastOnce => plain::consume(&self),
            Contender::Count => limits::count(&self),
            Contender::Insert => limits::insert(&self),
            Contender::Work => limits::work(&self),
            Contender::Affluenza
            | Contender::KafkaEngine
            | Contender::KafkaColumns
            | Contender::Collector
            | Contender::Flink => {}
        }
    }
}
