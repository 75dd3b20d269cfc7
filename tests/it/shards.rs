//! Facts and aggregates on two ClickHouse servers give the same results as on one; then on three.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use affluenza_engine::{Cache, ClickHouse, ClickHouseLibrary, ClickHouseSettings};
use affluenza_kafka::{NextOffset, Partition};
use affluenza_store::{BlockOrigin, Config as StoreConfig, InsertToken};
use jiff::Timestamp;

use crate::audit;
use crate::chaos::lasting_port;
use crate::http::Access;
use crate::parts::block;
use crate::recovery::check_whole;
use crate::support::{
    Engines, Place, eventually, retention_until_may_2017, set_offset, source, stderr, write,
};

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
    // The consumer checks version and clock of each server.
    let servers = place
        .wait(place.store().admin().servers())
        .expect("they answer");
    let names: BTreeSet<&str> = servers.iter().map(|server| &*server.name).collect();
    assert_eq!(names.len(), 2, "{servers:?}");
    for server in &servers {
        let ahead = server.now - Timestamp::now().as_second();
        assert!(
            server.version.starts_with("26.") && ahead.abs() < 60,
            "{server:?}"
        );
    }

    let one = engines.place("unsharded");
    one.run(&["migrate"]);
    simulate(&one);
    one.run(&["consume", "--once"]);
    for place in [&place, &one] {
        place.run(&["register", "apply"]);
    }
    let said = one.run(&REPORT);
    // Every node returns the same report.
    for url in place.clickhouse.nodes.clone() {
        place.clickhouse.url = url;
        place.configure();
        assert_eq!(place.run(&REPORT), said, "two shards say what one says");
        says_the_same(&place, &one);
    }
    eprintln!("shards: {total} events on two shards: lost 0, double 0");

    place.clickhouse.url = shards.url(0);
    place.configure();

    let began = Instant::now();
    let step = |what: &str| {
        eprintln!(
            "shards: {what} after {:.1} s",
            began.elapsed().as_secs_f64()
        )
    };
    damaged_and_mended(&place);
    step("mended");
    classified_again(&place, &one);
    step("rebuilt");
    erased(&place);
    step("erased");
    brought_back(&place);
    step("restored");
    expired(&place);
    step("expired");
    every_node_is_looked_at(&place);
    grown(&mut place, &mut shards);
    step("grown");
    known_tokens(&place);
    only_without_a_keeper(&place);
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

/// Kills the consumer and then a shard, which restarts while the consumer waits. Returns the number
/// of records.
fn killed_in_between(place: &Place<'_>, shards: &mut Two<'_>) -> u64 {
    let total: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    // A static member need not wait until the session of the killed one ends.
    let settings = [
        ("AFFLUENZA__CONSUME__BLOCK_RECORDS_MAX", "2000"),
        ("AFFLUENZA__KAFKA__INSTANCE", "shards"),
    ];
    let start = || place.spawn_with(&["consume"], "consumer.log", &settings);
    let consumer = start();
    eventually("the consumer gets on", || place.records_processed() > 0);
    consumer.kill();
    let mut consumer = start();
    let before = place.records_processed();
    eventually("another one gets on", || place.records_processed() > before);
    shards.kill(1);
    shards.start_again(1);
    eventually("all is stored", || {
        assert!(!consumer.has_ended(), "it ended; see consumer.log");
        place.records_processed() >= total
    });
    eventually("months in doubt are compared", || {
        place.count("SELECT count() FROM months_in_doubt AS d FINAL WHERE NOT d.settled") == 0
    });
    consumer.terminate();
    total
}

/// Compares every view, as an analyst reads it.
fn says_the_same(two: &Place<'_>, one: &Place<'_>) {
    let views = one.access().rows(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name",
    );
    assert!(views.len() >= 15, "{views:?}");
    for view in views.into_iter().flatten() {
        // Rows of one hour may not be merged yet.
        let rows = match &*view {
            "usage_by_hour" => {
                "(SELECT * EXCEPT (events, accesses, service_uses), sum(h.events), sum(h.accesses), sum(h.service_uses) FROM usage_by_hour AS h GROUP BY ALL)"
            }
            view => view,
        };
        let rows = format!("SELECT count(), sum(cityHash64(*)) FROM {rows}");
        assert_eq!(two.access().rows(&rows), one.access().rows(&rows), "{view}");
    }
}

/// A retried block is recognised by its token on every shard, in facts and hour rows.
fn known_tokens(place: &Place<'_>) {
    // Two months of five are within the retention period.
    const FACTS: u64 = 50;
    const KEPT: u64 = 20;
    let store = place.store();
    let counts = || {
        [
            "count() FROM usage_events WHERE time >= '2017-04-01' AND stream = 'twice'",
            "sum(events) FROM usage_hourly WHERE endsWith(ente, 'eeee')",
        ]
        .map(|what| place.count(&format!("SELECT {what}")))
    };
    for _ in 0..2 {
        for kafka_partition in 0..4 {
            let origin = BlockOrigin {
                stream: "twice".into(),
                kafka_partition,
                rules: "r".into(),
            };
            let token = InsertToken::of(&origin, 0, FACTS);
            let rows = block(FACTS).encode(&origin);
            place
                .wait(async {
                    store.facts().insert(rows.facts, &token).await?;
                    store.facts().insert_hours(rows.hours, &token).await
                })
                .expect("a block can be written");
        }
    }
    assert_eq!(counts(), [4 * KEPT, 4 * FACTS]);
}

/// Repairs lost and duplicate rows on both shards.
fn damaged_and_mended(place: &Place<'_>) {
    let whole = audit::figures(place);
    for damage in [
        "DELETE FROM usage_events_local WHERE kafka_partition IN (0, 1) AND kafka_offset BETWEEN 100 AND 199",
        "DELETE FROM usage_hourly_local WHERE local_date = '2017-05-04'",
        "DELETE FROM ingest_ledger_local WHERE kafka_partition = 2 AND first_offset = (SELECT min(first_offset) FROM ingest_ledger WHERE kafka_partition = 2 AND first_offset > 0)",
    ] {
        on_every_node(place, damage);
    }
    let twice = "INSERT INTO usage_events SELECT * FROM usage_events WHERE kafka_partition = 3 AND kafka_offset < 50 SETTINGS insert_deduplicate = 0";
    let done = place.wait(place.store().admin().run_statement(twice));
    done.expect("the damage can be done");
    refuses(place, &["audit"], "the accounts do not balance");
    // The repair fails unless the accounts balance afterwards.
    place.run(&["audit", "--repair"]);
    assert_eq!(audit::figures(place), whole);
}

/// An erasure deletes the rows on all shards.
fn erased(place: &Place<'_>) {
    let of =
        "SELECT count() FROM usage_events WHERE ente = 'c_d612' AND toYYYYMM(local_date) = 201703";
    assert!(place.count(of) > 10);
    let order = [
        "erase", "--ente", "Firenze", "--period", "2017-03", "--reason", "order 1",
    ];
    place.run(&order);
    assert_eq!(place.count(of), 0);
}

/// A rebuild with another register is killed during the replay, and then resumed.
fn classified_again(place: &Place<'_>, one: &Place<'_>) {
    let register = std::fs::read_to_string(source("deploy/register.toml")).expect("it is there");
    let moved = register.replace("category = \"ambiente\"", "category = \"tributi\"");
    let register = write(&place.folder, "moved.toml", moved.as_bytes());
    let register = [(
        "AFFLUENZA__REGISTER__FILE",
        register.to_str().expect("plain"),
    )];
    let rebuild = ["rebuild", "--format", "json"];
    let run = |place: &Place<'_>| {
        let output = place.command(&rebuild).envs(register).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{}", stderr(&output));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        told
    };
    let mut killed = place.spawn_with(&rebuild, "rebuild.log", &register);
    eventually("the log is replayed", || {
        assert!(!killed.has_ended(), "it ended; see rebuild.log");
        place.count("SELECT count() FROM rebuilds FINAL WHERE phase = 'replaying'") == 1
    });
    killed.kill();
    let (two, single) = (run(place), run(one));
    assert_eq!(two["resumed"], true);
    assert!(two["events_moved"].as_u64() > Some(10), "{two}");
    assert_eq!(two["changes"], single["changes"]);
    says_the_same(place, one);
    for node in nodes(place) {
        let left =
            "SELECT name FROM system.databases WHERE name = concat(currentDatabase(), '_rebuild')";
        assert_eq!(node.rows(left), Vec::<Vec<String>>::new());
    }
}

/// Returns each node, for separate queries.
fn nodes(place: &Place<'_>) -> Vec<Access> {
    let node = |url: &String| Access {
        address: url.replace("http://", ""),
        ..place.access()
    };
    place.clickhouse.nodes.iter().map(node).collect()
}

/// Runs a statement on each node.
fn on_every_node(place: &Place<'_>, statement: &str) {
    for node in nodes(place) {
        let done = node.ask(statement, Duration::from_secs(30));
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// Restores a backup of each node and reads later records from the log.
fn brought_back(place: &Place<'_>) {
    place.run(&["backup", "first"]);
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.002", "--seed", "43",
    ]);
    place.run(&["consume", "--once"]);
    let whole = audit::figures(place);
    refuses(place, &["restore", "first"], "is not empty");
    for node in nodes(place) {
        let drop = format!("DROP DATABASE {} SYNC", place.clickhouse.database);
        let dropped = node.ask(&drop, Duration::from_secs(30));
        dropped.expect("it can be dropped");
    }
    let said = place.run(&["restore", "first"]);
    assert!(said.contains("the accounts balance"), "{said}");
    assert_eq!(audit::figures(place), whole);
}

/// Facts of both shards expire; the aggregates stay.
fn expired(place: &Place<'_>) {
    let aggregates = || audit::figures(place)[2..].to_vec();
    let whole = aggregates();
    let (months, first_day) = retention_until_may_2017();
    let migrate = || {
        let mut command = place.command(&["migrate"]);
        command.env("AFFLUENZA__RETENTION__FACTS_MONTHS", months.to_string());
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("it prints text")
    };
    let said = migrate();
    assert!(said.contains("compared from 2017-05 on"), "{said}");
    for statement in [
        "ALTER TABLE usage_events_local MATERIALIZE TTL SETTINGS mutations_sync = 2",
        "OPTIMIZE TABLE usage_events_local FINAL",
    ] {
        on_every_node(place, statement);
    }
    for node in nodes(place) {
        let kept =
            format!("SELECT countIf(time < '{first_day}'), count() > 0 FROM usage_events_local");
        assert_eq!(node.rows(&kept), [["0", "1"]]);
    }
    place.run(&["audit", "--repair"]);
    assert_eq!(aggregates(), whole);
    // Restores the limit on a node that has lost it.
    let forget = "ALTER TABLE usage_events_local REMOVE TTL";
    let forgot = nodes(place)[1].ask(forget, Duration::from_secs(30));
    forgot.expect("it can forget");
    assert!(migrate().contains("compared from 2017-05 on"));
    assert!(migrate().contains("nothing to do"));
}

/// A setting that breaks exactly-once on one node stops the consumer, whichever node it is
/// connected to.
fn every_node_is_looked_at(place: &Place<'_>) {
    let second = &nodes(place)[1];
    let set = |what: &str| {
        let statement = format!("ALTER TABLE ingest_ledger_local MODIFY SETTING {what}");
        let done = second.ask(&statement, Duration::from_secs(30));
        done.expect("it can be set");
    };
    set("non_replicated_deduplication_window = 7");
    refuses(place, &["consume", "--once"], "remembers the tokens of 7");
    set("non_replicated_deduplication_window = 100000");
}

/// Adds a third shard. Later blocks go to other shards, and a retried block is not counted twice.
fn grown(place: &mut Place<'_>, shards: &mut Two<'_>) {
    let whole = audit::figures(place);
    let third = shards.add();
    // The new shard gets its tables before the others know it.
    let with_third: Vec<String> = (0..3).map(|number| shards.url(number)).collect();
    place.clickhouse.nodes = with_third.clone();
    place.configure();
    let said = place.run(&["migrate"]);
    assert!(
        said.contains(&format!("tables created on {third}")),
        "{said}"
    );
    shards.all_know_all();
    assert_eq!(audit::figures(place), whole);
    let complete = last_block_again(place);
    place.clickhouse.nodes = with_third[..2].to_vec();
    place.configure();
    refuses(place, &["migrate"], "names 2 servers, and there are 3");
    place.clickhouse.nodes = with_third;
    place.configure();
    let said = place.run(&["migrate"]);
    assert!(
        said.contains("among 3 shards from now on, 2 before"),
        "{said}"
    );
    comes_again(place, "why=it is complete, and its token may be forgotten");
    assert_eq!(audit::figures(place), whole, "{complete}");
    let pending = last_block_again(place);
    on_every_node(
        place,
        "DELETE FROM ingest_ledger_local WHERE kafka_partition = 2
         AND first_offset = (SELECT max(first_offset) FROM ingest_ledger WHERE kafka_partition = 2 AND stored > 0)",
    );
    comes_again(place, "why=OnOtherShard");
    assert_eq!(audit::figures(place), whole, "{pending}");
    place.run(&[
        "simulate", "--focus", "2017", "--scale", "0.004", "--seed", "44",
    ]);
    place.run(&["consume", "--once"]);
    let shards = place.count("SELECT uniqExact(_shard_num) FROM usage_events");
    assert_eq!(shards, 3);
    place.run(&["audit"]);
}

/// Consumes a block that is repeated, whose months come in doubt and prove to be right.
fn comes_again(place: &Place<'_>, why: &str) {
    let output = place.command(&["consume", "--once"]).output();
    let said = stderr(&output.expect("it runs"));
    assert!(said.contains(why), "{said}");
    assert!(said.contains("hour rows and facts agree"), "{said}");
}

/// Resets the group to its state before the last block of a partition was committed.
fn last_block_again(place: &Place<'_>) -> String {
    let last = place.access().rows(
        "SELECT stream, first_offset, next_offset, records_read, lower(hex(checksum)), rules, toUnixTimestamp(written_at)
         FROM ingest_ledger FINAL WHERE kafka_partition = 2 AND stored > 0 ORDER BY first_offset DESC LIMIT 1",
    );
    let [stream, first, next, records, sum, rules, at] = &last[0][..] else {
        panic!("a row of the ledger");
    };
    let intent = format!(
        "affluenza/1 stream={stream} end={next} records={records} sum={sum:0>16} rules={rules} at={at}"
    );
    let first = NextOffset(first.parse().expect("an offset"));
    set_offset(&place.bus(), Partition(2), first, &intent);
    intent
}

/// Commands that need a Keeper are refused.
fn only_without_a_keeper(place: &Place<'_>) {
    for command in [&["rebuild"][..], &["backup", "b"]] {
        let mut command = place.command(command);
        let output = command.env("AFFLUENZA__CLICKHOUSE__NODES", "[]").output();
        let said = stderr(&output.expect("it runs"));
        assert!(said.contains("in a cluster with a Keeper"), "{said}");
    }
}

fn refuses(place: &Place<'_>, arguments: &[&str], because: &str) {
    let output = place.command(arguments).output().expect("it runs");
    let said = stderr(&output);
    assert!(!output.status.success() && said.contains(because), "{said}");
}

/// The engine is built without replication, but its parser accepts the statements.
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

/// ClickHouse servers of one cluster: two, later three.
struct Two<'r> {
    runtime: &'r tokio::runtime::Handle,
    library: ClickHouseLibrary,
    folder: PathBuf,
    settings: Vec<ClickHouseSettings>,
    running: Vec<Option<ClickHouse>>,
}

impl<'r> Two<'r> {
    fn start(runtime: &'r tokio::runtime::Handle, folder: &Path) -> Self {
        let cache = Cache::from_env().expect("there is a cache folder");
        let library = cache.prepare_clickhouse(&|line| eprintln!("{line}"));
        let mut two = Self {
            runtime,
            library: library.expect("ClickHouse can be fetched"),
            folder: folder.to_owned(),
            settings: Vec::new(),
            running: Vec::new(),
        };
        two.prepare();
        two.prepare();
        two.introduce(0);
        two.introduce(1);
        two
    }

    /// Prepares one more server without starting it.
    fn prepare(&mut self) {
        let dir = self
            .folder
            .join(format!("clickhouse-{}", self.settings.len()));
        std::fs::create_dir(&dir).expect("a folder can be made");
        write(&dir, "password", PASSWORD.as_bytes());
        self.settings.push(ClickHouseSettings {
            http_port: Some(lasting_port()),
            tcp_port: Some(lasting_port()),
            ..ClickHouseSettings::new(dir)
        });
        self.running.push(None);
    }

    /// Starts a server that knows all prepared ones.
    fn introduce(&mut self, number: usize) {
        let ports = self.settings.iter().filter_map(|one| one.tcp_port);
        let shards = ports.map(|port| {
            format!("<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>{port}</port></replica></shard>")
        });
        let shards: String = shards.collect();
        self.settings[number].sections = format!(
            "<remote_servers><{CLUSTER}><secret>between-them</secret>{shards}</{CLUSTER}></remote_servers>\n"
        );
        self.start_again(number);
    }

    /// Adds a server that the others do not know yet, and returns its address.
    fn add(&mut self) -> String {
        self.prepare();
        let number = self.settings.len() - 1;
        self.introduce(number);
        self.url(number)
    }

    /// Adds the new server to the configuration of the others.
    fn all_know_all(&mut self) {
        for number in 0..self.settings.len() - 1 {
            self.kill(number);
            self.introduce(number);
        }
    }

    /// A topic, a group and a database on both servers.
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
