//! One run: load, faults, and a check after every batch of faults.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::faults::{Fault, Step, plan};
use super::load::Load;
use super::oracle::{self, Truth, Verdict};
use super::random::Random;
use super::world::World;
use crate::support::stderr;

/// Faults between two checks.
const FAULTS_A_BATCH: usize = 25;
/// Simulator streams that are in the log before a batch begins.
const STREAMS_A_BATCH: usize = 3;
/// Maximum number of findings per kind that are printed.
const FINDINGS_SHOWN: usize = 3;
/// Faults that take longer are printed with their duration.
const LONG: Duration = Duration::from_secs(2);
/// Events per second that are written during the faults.
const RATE: u64 = 2_500;

pub struct Run {
    world: World,
    load: Load,
    random: Random,
    seed: u64,
    began: Instant,
    steps: Vec<Step>,
    kills: usize,
    /// Checks that needed a repair.
    repairs: usize,
    /// Number of audit findings by code.
    findings: BTreeMap<String, usize>,
    /// Faults since the last check that may require a repair. They lose the offset metadata of a
    /// block, or split a block between two versions of the rules.
    causes: Vec<Fault>,
    proven: Option<Truth>,
}

impl Run {
    pub fn start(runtime: &tokio::runtime::Handle, seed: u64, kills: usize) -> Self {
        let began = Instant::now();
        let mut random = Random::new(seed);
        let steps = plan(&mut random, kills);
        eprintln!(
            "chaos: seed {seed}, {kills} kills among {} faults",
            steps.len()
        );
        let world = World::start(runtime);
        world.run(&["migrate"]);
        Self {
            world,
            load: Load::new(seed, RATE),
            random,
            seed,
            began,
            steps,
            kills: 0,
            repairs: 0,
            findings: BTreeMap::new(),
            causes: Vec::new(),
            proven: None,
        }
    }

    pub fn go(&mut self) {
        let steps = std::mem::take(&mut self.steps);
        for (number, batch) in steps.chunks(FAULTS_A_BATCH).enumerate() {
            self.load.burst(&self.world, STREAMS_A_BATCH);
            self.world.add_member(&mut self.random);
            for (at, step) in batch.iter().enumerate() {
                let number = number * FAULTS_A_BATCH + at + 1;
                self.wait_for_progress(step.after_records);
                std::thread::sleep(step.after_that);
                let progress = self.world.progress().unwrap_or(0);
                eprintln!(
                    "{number:>4} of {}, seed {}, {:>4} s, at {progress:>8} records: {}",
                    steps.len(),
                    self.seed,
                    self.began.elapsed().as_secs(),
                    step.fault
                );
                let injected = Instant::now();
                self.inject(step.fault);
                let took = injected.elapsed();
                if took > LONG {
                    eprintln!("     that took {} ms", took.as_millis());
                }
            }
            self.prove();
        }
    }

    /// Waits until the consumers have processed this many more records.
    fn wait_for_progress(&mut self, records: u64) {
        let (load, random) = (&mut self.load, &mut self.random);
        let mut from = None;
        self.world.eventually("progress", random, |world| {
            load.keep_on(world);
            if world.members.is_empty() {
                world.add_member(&mut Random::new(records));
            }
            match (world.progress(), from) {
                (Some(now), Some(from)) => now >= from + records,
                (now, _) => {
                    from = now;
                    false
                }
            }
        });
    }

    fn inject(&mut self, fault: Fault) {
        if matches!(fault, Fault::ForgetOffsets | Fault::ChangeRules) {
            self.causes.push(fault);
        }
        match fault {
            Fault::KillConsumer => {
                let last = self.world.members.len() as u64 - 1;
                let at = self.random.between(0, last) as usize;
                self.kill_member(at);
                self.world.add_member(&mut self.random);
            }
            Fault::KillClickHouse(away) => {
                self.world.kill_clickhouse();
                self.kills += 1;
                std::thread::sleep(away);
                self.world.start_clickhouse();
            }
            Fault::KillKafka(away) => {
                self.world.kill_kafka();
                self.kills += 1;
                std::thread::sleep(away);
                self.world.start_kafka();
            }
            Fault::KillAll => {
                self.world.kill_clickhouse();
                self.kills += 2;
                self.kill_members();
                self.world.kill_kafka();
                self.world.start_clickhouse();
                self.world.start_kafka();
            }
            Fault::PauseConsumer => self.pause_consumer(),
            Fault::JoinAndLeave => self.join_and_leave(),
            Fault::PauseClickHouse(pause) => {
                self.world.signal_clickhouse(Signal::STOP);
                std::thread::sleep(pause);
                self.world.signal_clickhouse(Signal::CONT);
            }
            Fault::FailAggregate => self.fail_aggregate(),
            Fault::ForgetOffsets => self.forget_offsets(),
            Fault::ChangeRules => {
                self.kill_members();
                self.world.has_other_rules = !self.world.has_other_rules;
            }
        }
    }

    fn kill_member(&mut self, at: usize) {
        self.world.kill_member(at);
        self.kills += 1;
    }

    fn kill_members(&mut self) {
        while !self.world.members.is_empty() {
            self.kill_member(0);
        }
    }

    /// Ensures that two consumers run and have partitions.
    fn need_two(&mut self) {
        while self.world.members.len() < 2 {
            self.world.add_member(&mut self.random);
        }
        self.world
            .eventually("two consumers have partitions", &mut self.random, |world| {
                world.members.iter().all(|member| member.assigned() > 0)
            });
    }

    fn pause_consumer(&mut self) {
        self.need_two();
        let before = self.world.members[1].assigned();
        self.world.members[0].signal(Signal::STOP);
        // The other consumer may have been restarted; then its assignments count from zero again.
        self.world
            .eventually("the other consumer takes over", &mut self.random, |world| {
                let other = world.members[1].assigned();
                other > before || (0 < other && other < before)
            });
        self.wait_for_progress(2_000);
        self.world.members[0].signal(Signal::CONT);
    }

    fn join_and_leave(&mut self) {
        self.need_two();
        self.wait_for_progress(500);
        let at = self.random.between(0, 1) as usize;
        self.world.end_member(at);
    }

    /// Adds a constraint to the aggregate that no row satisfies, until an insert fails.
    fn fail_aggregate(&mut self) {
        let patience = Duration::from_secs(30);
        let alter = |world: &World, change: &str| {
            let query = format!("ALTER TABLE usage_hourly {change}");
            world
                .access
                .ask(&query, patience)
                .unwrap_or_else(|error| panic!("{query}: {error}"));
        };
        alter(&self.world, "ADD CONSTRAINT chaos CHECK events = 0");
        let failures = |world: &World| -> u64 {
            let refused = world
                .exits
                .iter()
                .filter(|(said, _)| said.contains("refused the insert"));
            refused.map(|(_, times)| times).sum()
        };
        let before = failures(&self.world);
        let load = &mut self.load;
        self.world
            .eventually("an insert is refused", &mut self.random, |world| {
                load.keep_on(world);
                failures(world) > before
            });
        alter(&self.world, "DROP CONSTRAINT chaos");
    }

    /// Deletes the group's offsets. The consumer must raise an alarm; then each partition is set as
    /// the alarm instructs.
    fn forget_offsets(&mut self) {
        self.kill_members();
        self.world.group = format!("chaos-{}", self.kills);
        let known = self
            .world
            .access
            .rows("SELECT DISTINCT kafka_partition FROM ingest_ledger UNION DISTINCT SELECT DISTINCT kafka_partition FROM usage_events");
        for _ in known {
            let output = self.world.output(&["consume", "--once"]);
            let said = stderr(&output);
            let partition = partition_without_offset(&said)
                .unwrap_or_else(|| panic!("no alarm for a group without offsets: {said}"));
            let reason = ["--reason", "the group is a new one"];
            let accept = ["accept", "place", "--partition", partition];
            self.world.run(&[accept.as_slice(), &reason].concat());
        }
    }

    /// Lets one consumer finish, runs an audit, and compares with the recount.
    fn prove(&mut self) {
        self.load.stop();
        while !self.world.members.is_empty() {
            self.world.end_member(0);
        }
        self.world.run(&["consume", "--once"]);
        let truth = Truth::of(&self.world.bus());
        if self.is_balanced(&["audit", "--format", "json"]) {
            let verdict = self.compare(&truth);
            assert!(
                verdict.is_clean(),
                "seed {}: the audit balances, but lost {}, double {}:\n{}",
                self.seed,
                verdict.lost.len(),
                verdict.double.len(),
                verdict.places()
            );
        } else {
            self.repairs += 1;
            let verdict = self.compare(&truth);
            eprintln!(
                "     a repair is needed after {:?}: lost {}, double {}, other differences {}\n{}",
                self.causes,
                verdict.lost.len(),
                verdict.double.len(),
                verdict.others.len(),
                verdict.places()
            );
            let repaired = self.is_balanced(&["audit", "--repair", "--format", "json"]);
            assert!(repaired, "seed {}: it balances after a repair", self.seed);
            let verdict = self.compare(&truth);
            assert!(
                verdict.is_clean(),
                "seed {}: lost {}, double {} after a repair:\n{}",
                self.seed,
                verdict.lost.len(),
                verdict.double.len(),
                verdict.places()
            );
        }
        eprintln!(
            "     proven: {} events in {} records, {} kills so far",
            truth.events.len(),
            truth.records,
            self.kills
        );
        self.proven = Some(truth);
        self.causes.clear();
    }

    fn compare(&self, truth: &Truth) -> Verdict {
        oracle::compare(truth, &self.world.bus(), &self.world.access)
    }

    fn is_balanced(&mut self, audit: &[&str]) -> bool {
        let output = self.world.output(audit);
        let result: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{audit:?} prints JSON: {}", stderr(&output)));
        let is_balanced = result["balanced"] == Value::Bool(true);
        assert_eq!(
            is_balanced,
            output.status.success(),
            "the exit code says whether it balances"
        );
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in result["findings"].as_array().into_iter().flatten() {
            let times = times
                .entry(finding["code"].as_str().unwrap_or("?"))
                .or_default();
            *times += 1;
            if *times <= FINDINGS_SHOWN {
                eprintln!("     finding: {finding}");
            }
        }
        for (code, times) in times {
            *self.findings.entry(code.to_owned()).or_default() += times;
        }
        is_balanced
    }

    pub fn finish(self) {
        let truth = self.proven.expect("something was proven");
        for (said, times) in &self.world.exits {
            eprintln!("a consumer ended by itself, {times} times: {said}");
        }
        for (code, times) in &self.findings {
            eprintln!("audits found {code}, {times} times");
        }
        let mended =
            "SELECT what, count(), sum(records) FROM ingest_repairs GROUP BY what ORDER BY what";
        for row in self.world.access.rows(mended) {
            eprintln!("repaired (what, times, records): {}", row.join(" "));
        }
        eprintln!(
            "ClickHouse kept {} tokens of lost parts; {} duplicates, {} refused records; {} s",
            self.world.tokens_taken_back,
            truth.duplicates,
            truth.rejected + truth.quarantined,
            self.began.elapsed().as_secs()
        );
        eprintln!(
            "lost 0, double 0 (oracle: {} events in {} records, {} kills, repairs {}, seed {})",
            truth.events.len(),
            truth.records,
            self.kills,
            self.repairs,
            self.seed
        );
        self.world.stop();
    }
}

/// Partition in the alarm about a group without offsets.
fn partition_without_offset(said: &str) -> Option<&str> {
    let rest = said.rsplit_once("affluenza accept place --partition ")?.1;
    rest.split(' ').next()
}
