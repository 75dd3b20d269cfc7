//! Facts and aggregates on two ClickHouse servers, which must say what one says.

use std::path::Path;

use affluenza_engine::{Cache, ClickHouse, ClickHouseLibrary, ClickHouseSettings, Shards};
use affluenza_store::{Config as StoreConfig, INSERT_SETTINGS};

use crate::audit;
use crate::chaos::lasting_port;
use crate::recovery::check_whole;
use crate::support::{Engines, Place, eventually, stderr, write};

const CLUSTER: &str = "two";
const PASSWORD: &str = "of-both-shards";
const SEED: &str = "41";
const REPORT: [&str; 5] = ["report", "--year", "2017", "--format", "json"];

pub fn two_count_as_one(engines: &Engines) {
    let scratch = engines.place("shards_of");
    let mut shards = Two::start(&engines.runtime, &scratch.folder);
    let mut place = shards.place(engines, "shards");
    place.run(&["migrate"]);
    simulate(&place);
    let total = killed_in_between(&place, &mut shards);
    check_whole(&place, total);
    place.run(&["audit"]);
    let shards_of =
        |table: &str| place.count(&format!("SELECT uniqExact(_shard_num) FROM {table}"));
    let counted = ["usage_events", "usage_hourly", "ingest_ledger"].map(shards_of);
    assert_eq!(counted, [2, 2, 1], "facts and aggregates are shared out");

    let one = engines.place("unsharded");
    one.run(&["migrate"]);
    simulate(&one);
    one.run(&["consume", "--once"]);
    for place in [&place, &one] {
        place.run(&["register", "apply"]);
    }
    let said = one.run(&REPORT);
    // Whichever node is asked.
    for url in place.clickhouse.nodes.clone() {
        place.clickhouse.url = url;
        place.configure();
        assert_eq!(place.run(&REPORT), said, "two shards say what one says");
        says_the_same(&place, &one);
    }
    eprintln!("shards: {total} events on two shards: lost 0, double 0");

    damaged_and_mended(&place);
    erased(&place);
    known_tokens(&place);
    refuses(
        &place,
        &["rebuild", "facts"],
        "a rebuild is not possible in a cluster",
    );
    refuses(
        &place,
        &["backup", "b"],
        "a backup by this program is not possible in a cluster",
    );
    statements_are_sql(&place);
    place.clickhouse.cluster = "unheard_of".into();
    place.configure();
    refuses(&place, &["migrate"], "it knows no cluster unheard_of");
    shards.stop();
}

fn simulate(place: &Place<'_>) {
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.008", "--seed", SEED,
    ]);
}

/// Killed while it works: the consumer, then a shard, which comes back while the consumer waits. How
/// many records there are.
fn killed_in_between(place: &Place<'_>, shards: &mut Two<'_>) -> u64 {
    let total: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    let small_blocks = [("AFFLUENZA__CONSUME__BLOCK_RECORDS_MAX", "2000")];
    let start = || place.spawn_with(&["consume"], "consumer.log", &small_blocks);
    let consumer = start();
    eventually("the consumer gets on", || place.dealt_with() > 0);
    consumer.kill();
    let mut consumer = start();
    let before = place.dealt_with();
    eventually("another one gets on", || place.dealt_with() > before);
    shards.kill(1);
    shards.start_again(1);
    eventually("all is stored", || {
        assert!(!consumer.has_ended(), "it ended; see consumer.log");
        place.dealt_with() >= total
    });
    consumer.terminate();
    total
}

/// Every view, as an analyst reads it.
fn says_the_same(two: &Place<'_>, one: &Place<'_>) {
    let views = one.access().rows(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name",
    );
    assert!(views.len() >= 15, "{views:?}");
    for view in views.into_iter().flatten() {
        let rows = format!("SELECT count(), sum(cityHash64(*)) FROM {view}");
        assert_eq!(two.access().rows(&rows), one.access().rows(&rows), "{view}");
    }
}

/// A block that comes again under its token is known on whichever shard it lies, facts and aggregate.
fn known_tokens(place: &Place<'_>) {
    let settings: Vec<String> = INSERT_SETTINGS
        .iter()
        // This one is of the HTTP interface.
        .filter(|(name, _)| *name != "wait_end_of_query")
        .map(|(name, value)| format!("{name} = '{value}'"))
        .collect();
    let settings = settings.join(", ");
    for _ in 0..2 {
        for partition in 0..4 {
            let insert = format!(
                "INSERT INTO usage_events (time, hour_start, ente, stream, kafka_partition, kafka_offset)
                 SETTINGS {settings}, insert_deduplication_token = 'twice/{partition}'
                 SELECT toDateTime('2015-01-01 00:00:00', 'UTC') + number * 86400 * 40 AS at, toStartOfHour(at), 'twice', 'twice', {partition}, number FROM numbers(5)"
            );
            place
                .wait(place.store().run_statement(&insert))
                .expect("a block can be written");
        }
    }
    let facts = "SELECT count() FROM usage_events WHERE ente = 'twice'";
    let events = "SELECT sum(events) FROM usage_hourly WHERE ente = 'twice'";
    assert_eq!([facts, events].map(|query| place.count(query)), [20, 20]);
}

/// What is lost or double on either shard is put right.
fn damaged_and_mended(place: &Place<'_>) {
    let whole = audit::figures(place);
    for damage in [
        "DELETE FROM usage_events WHERE kafka_partition IN (0, 1) AND kafka_offset BETWEEN 100 AND 199",
        "DELETE FROM usage_hourly WHERE local_date = '2017-05-04'",
        "DELETE FROM ingest_ledger WHERE kafka_partition = 2 AND first_offset = (SELECT min(first_offset) FROM ingest_ledger WHERE kafka_partition = 2 AND first_offset > 0)",
        "INSERT INTO usage_events SELECT * FROM usage_events WHERE kafka_partition = 3 AND kafka_offset < 50 SETTINGS insert_deduplicate = 0",
    ] {
        let done = place.wait(place.store().run_statement(damage));
        done.expect("the damage can be done");
    }
    refuses(place, &["audit"], "the accounts do not balance");
    // It says at its end whether the accounts balance.
    place.run(&["audit", "--repair"]);
    assert_eq!(audit::figures(place), whole);
}

/// An erasure reaches the rows of every shard.
fn erased(place: &Place<'_>) {
    let of =
        "SELECT count() FROM usage_events WHERE ente = 'c_d612' AND toYYYYMM(local_date) = 201703";
    assert!(place.count(of) > 10);
    let order = [
        "erase", "--ente", "Firenze", "--period", "2017-03", "--reason", "order 1",
    ];
    place.run(&order);
    assert_eq!(place.count(of), 0);
    place.run(&["audit"]);
}

fn refuses(place: &Place<'_>, arguments: &[&str], because: &str) {
    let output = place.command(arguments).output().expect("it runs");
    let said = stderr(&output);
    assert!(!output.status.success() && said.contains(because), "{said}");
}

/// The engine has no replication, but its parser knows it.
fn statements_are_sql(place: &Place<'_>) {
    let mut command = place.command(&["migrate", "--show"]);
    command.env("AFFLUENZA__CLICKHOUSE__NODES", "[]");
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let shown = String::from_utf8(output.stdout).expect("it prints text");
    let statements: Vec<&str> = shown.split(";\n\n").collect();
    assert!(statements.len() > 60, "{}", statements.len());
    for statement in statements {
        let statement = statement.trim_end().trim_end_matches(';');
        assert!(statement.contains(" ON CLUSTER two"), "{statement}");
        let tree = place.access().rows(&format!("EXPLAIN AST {statement}"));
        assert!(!tree.is_empty(), "{statement}");
    }
}

/// Two servers that know one another.
struct Two<'r> {
    runtime: &'r tokio::runtime::Handle,
    library: ClickHouseLibrary,
    settings: Vec<ClickHouseSettings>,
    running: Vec<Option<ClickHouse>>,
}

impl<'r> Two<'r> {
    fn start(runtime: &'r tokio::runtime::Handle, folder: &Path) -> Self {
        let cache = Cache::from_env().expect("there is a cache folder");
        let library = cache.prepare_clickhouse(&|line| eprintln!("{line}"));
        let tcp_ports = vec![lasting_port(), lasting_port()];
        let settings = [0, 1].map(|number: usize| {
            let dir = folder.join(format!("clickhouse-{number}"));
            std::fs::create_dir(&dir).expect("a folder can be made");
            write(&dir, "password", PASSWORD.as_bytes());
            ClickHouseSettings {
                http_port: Some(lasting_port()),
                tcp_port: Some(tcp_ports[number]),
                shards: Some(Shards {
                    cluster: CLUSTER.into(),
                    tcp_ports: tcp_ports.clone(),
                    secret: "between-them".into(),
                }),
                ..ClickHouseSettings::new(dir)
            }
        });
        let mut two = Self {
            runtime,
            library: library.expect("ClickHouse can be fetched"),
            settings: settings.into(),
            running: vec![None, None],
        };
        two.start_again(0);
        two.start_again(1);
        two
    }

    /// A topic, a group and a database on both.
    fn place<'e>(&self, engines: &'e Engines, name: &str) -> Place<'e> {
        let mut place = engines.place(name);
        place.clickhouse = StoreConfig {
            url: self.url(0),
            cluster: CLUSTER.into(),
            nodes: vec![self.url(0), self.url(1)],
            password: PASSWORD.to_owned().into(),
            ..place.clickhouse.clone()
        };
        place.configure();
        place
    }

    fn url(&self, number: usize) -> String {
        self.running[number].as_ref().expect("it runs").http_url()
    }

    fn kill(&mut self, number: usize) {
        let shard = self.running[number].take().expect("it runs");
        self.runtime.block_on(shard.kill());
    }

    fn start_again(&mut self, number: usize) {
        let start = ClickHouse::start(&self.settings[number], &self.library);
        let shard = self.runtime.block_on(start).expect("ClickHouse starts");
        self.running[number] = Some(shard);
    }

    fn stop(self) {
        for shard in self.running.into_iter().flatten() {
            self.runtime.block_on(shard.stop()).expect("it stops");
        }
    }
}
