//! Three brokers; one is killed under load and returns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use affluenza_engine::{Cache, ClusterMember, Kafka, KafkaJars, KafkaSettings};
use affluenza_kafka::{Cluster, Config as BusConfig, Replicas};
use rustix::process::{Pid, Signal, kill_process};

use crate::chaos::lasting_port;
use crate::recovery::check_whole;
use crate::support::{Engines, Place, eventually};

const PARTITIONS: i32 = 6;
const BROKERS: usize = 3;
/// Events per second of each of the two producers.
const RATE: &str = "1000";
/// Partitions of `__consumer_offsets`, as the engine configures them.
const OFFSETS_PARTITIONS: i32 = 4;
/// Records to process before the next step.
const STEP: u64 = 2_000;

pub fn a_broker_is_lost_under_load(engines: &Engines) {
    let place = engines.place("brokers");
    let starting = Instant::now();
    let mut brokers = Brokers::start(&engines.runtime, &place.folder);
    eprintln!(
        "brokers: started in {:.1} s",
        starting.elapsed().as_secs_f64()
    );
    let bus = brokers.configure(&place);
    place.run(&["migrate"]);
    let cluster = Cluster::new(&bus).expect("Kafka can be asked");
    let consumers = ["a", "b"].map(|name| {
        let settings = [("AFFLUENZA__KAFKA__INSTANCE", name)];
        place.spawn_with(&["consume"], &format!("{name}.log"), &settings)
    });
    // Producers run until they receive a signal.
    let producers = ["1", "2"].map(|seed| {
        let arguments = [
            "simulate", "--focus", "2017", "--seed", seed, "--rate", RATE,
        ];
        let mut command = place.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    });
    let began = Instant::now();
    let ends = || -> u64 {
        let held = cluster.watermarks(&bus.topic).expect("Kafka answers");
        held.iter()
            .map(|(_, held)| held.high.0.unsigned_abs())
            .sum()
    };
    // Waits until the ledger is `STEP` records beyond `end`.
    let goes_on = |what: &str, end: u64| {
        eventually(what, || place.records_processed() >= end + STEP);
        eprintln!("brokers: {:.1} s, {what}", began.elapsed().as_secs_f64());
    };

    goes_on("events come in", 0);
    let coordinator = coordinator_of(&bus.group);
    let victim = brokers.leader(&cluster, "__consumer_offsets", coordinator);
    let leads = |(_, replicas): &(_, Replicas)| replicas.leader == i32::try_from(victim).ok();
    let found = cluster.replicas(&bus.topic).expect("Kafka answers");
    assert!(found.iter().any(leads), "it leads partitions, too");
    let end = ends();
    brokers.kill(victim);
    goes_on("they come in without the coordinator of the group", end);
    brokers.start_again(victim);
    eventually("its copies are whole again", || {
        let topics = [&*bus.topic, "__consumer_offsets"];
        topics.iter().all(|topic| all_in_sync(&cluster, topic))
    });
    goes_on("they come in with all three", ends());

    let mut written = 0;
    for producer in producers {
        kill_process(Pid::from_child(&producer), Signal::TERM).expect("it can be told");
        let output = producer.wait_with_output().expect("it can be waited for");
        assert!(output.status.success(), "the producer ends well");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let events = said.split(' ').next().and_then(|n| n.parse::<u64>().ok());
        written += events.expect("it says how many events it has written");
    }
    let total = ends();
    assert_eq!(written, total, "what was acknowledged is in the log, once");
    eprintln!(
        "brokers: {:.1} s, the load has ended",
        began.elapsed().as_secs_f64()
    );
    eventually("all is stored", || place.records_processed() >= total);
    for consumer in consumers {
        consumer.terminate();
    }
    check_whole(&place, total);
    let audit = place.run(&["audit"]);
    assert!(audit.contains("balanced: every record"), "{audit}");
    eprintln!("brokers: {total} events, one of three brokers killed: lost 0, double 0");
    brokers.stop();
}

/// Returns the partition of `__consumer_offsets` that Kafka chooses for a group. The leader of this
/// partition coordinates the group.
fn coordinator_of(group: &str) -> i32 {
    let hash = group.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    (hash & i32::MAX) % OFFSETS_PARTITIONS
}

/// True if all replicas of the topic are in sync.
fn all_in_sync(cluster: &Cluster, topic: &str) -> bool {
    cluster.replicas(topic).is_ok_and(|found| {
        let mut found = found.iter();
        found.all(|(_, replicas)| replicas.in_sync.len() == BROKERS)
    })
}

struct Brokers<'r> {
    runtime: &'r tokio::runtime::Handle,
    jars: KafkaJars,
    settings: Vec<KafkaSettings>,
    running: Vec<Option<Kafka>>,
    bootstrap: String,
}

impl<'r> Brokers<'r> {
    fn start(runtime: &'r tokio::runtime::Handle, folder: &Path) -> Self {
        let cache = Cache::from_env().expect("there is a cache folder");
        let jars = cache.prepare_kafka(&|line| eprintln!("{line}"));
        let jars = jars.expect("Kafka can be fetched");
        let mut free = BTreeSet::new();
        while free.len() < 2 * BROKERS {
            free.insert(lasting_port());
        }
        let free: Vec<u16> = free.into_iter().collect();
        let (clients, controllers) = free.split_at(BROKERS);
        let nodes = (1..).zip(clients).map(|(number, port)| KafkaSettings {
            port: Some(*port),
            heap_mib: 256,
            // A broker without heartbeats counts as dead after this time.
            properties: BTreeMap::from([
                ("broker.session.timeout.ms".into(), "1500".into()),
                ("broker.heartbeat.interval.ms".into(), "300".into()),
            ]),
            member: Some(ClusterMember {
                cluster: "affluenza-test-brokerQ".into(),
                number,
                controllers: controllers.to_vec(),
            }),
            ..KafkaSettings::new(folder.join(format!("kafka-{number}")))
        });
        let settings: Vec<KafkaSettings> = nodes.collect();
        let running = runtime.block_on(async {
            tokio::join!(
                Kafka::start(&settings[0], &jars),
                Kafka::start(&settings[1], &jars),
                Kafka::start(&settings[2], &jars)
            )
        });
        let running = <[_; BROKERS]>::from(running).map(|kafka| kafka.expect("Kafka starts"));
        let bootstrap = running.each_ref().map(Kafka::bootstrap).join(",");
        Self {
            runtime,
            jars,
            settings,
            running: running.into_iter().map(Some).collect(),
            bootstrap,
        }
    }

    /// Configures the place for this cluster.
    fn configure(&self, place: &Place<'_>) -> BusConfig {
        let text = std::fs::read_to_string(&place.config).expect("it is there");
        let one = place.bus();
        let (before, after) = (&one.bootstrap_servers, &self.bootstrap);
        let text = text.replace(before, after).replace(
            "partitions = 4",
            &format!("partitions = {PARTITIONS}\nreplication = {BROKERS}\nmin_insync_replicas = 2"),
        );
        assert!(text.contains(after), "the configuration names the brokers");
        std::fs::write(&place.config, text).expect("it can be written");
        BusConfig {
            bootstrap_servers: self.bootstrap.clone(),
            ..one
        }
    }

    /// Returns the number of the broker that leads a partition.
    fn leader(&self, cluster: &Cluster, topic: &str, partition: i32) -> usize {
        let found = cluster.replicas(topic).expect("Kafka answers");
        let of = found.iter().find(|(id, _)| id.0 == partition);
        let leader = of.and_then(|(_, replicas)| replicas.leader);
        usize::try_from(leader.expect("a broker leads")).expect("brokers are counted from 1")
    }

    fn kill(&mut self, number: usize) {
        let broker = self.running[number - 1].take().expect("it runs");
        self.runtime.block_on(broker.kill());
        eprintln!("brokers: broker {number} killed");
    }

    fn start_again(&mut self, number: usize) {
        let began = Instant::now();
        let start = Kafka::start(&self.settings[number - 1], &self.jars);
        let broker = self.runtime.block_on(start).expect("Kafka starts again");
        self.running[number - 1] = Some(broker);
        eprintln!(
            "brokers: broker {number} is back after {:.1} s",
            began.elapsed().as_secs_f64()
        );
    }

    /// Kills all brokers. A clean stop of the last one would wait for a quorum that no longer
    /// exists, and the folder is deleted anyway.
    fn stop(self) {
        for broker in self.running.into_iter().flatten() {
            self.runtime.block_on(broker.kill());
        }
    }
}
