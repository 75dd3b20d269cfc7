//! ClickHouse is killed, frozen and slow while a backlog is consumed. At the end, facts and hour rows
//! are equal. Every answer in between is right, or says that it may not be.
//!
//! The server has no repair of its deduplication logs after a kill, as a server of the operator's own.
//!
//! `BACKLOG_LINES=400000 BACKLOG_FAULT_SECONDS=330` gives the long form.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use affluenza_engine::{Cache, ClickHouse, ClickHouseLibrary, ClickHouseSettings};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::api::serve;
use crate::chaos::lasting_port;
use crate::http::Access;
use crate::recovery::check_whole;
use crate::support::{Engines, Place, write};

/// Lines of the form that each run of the long tests has.
const LINES: u64 = 60_000;
const FAULT_SECONDS: u64 = 20;
/// Greatest age of a figure: an answer holds all that was stored so long before the question.
const LATE: Duration = Duration::from_secs(15);
/// Longest time for the whole test, without the faults.
const PATIENCE: Duration = Duration::from_secs(900);
/// Small blocks make many inserts that a fault can interrupt.
const SETTINGS: [(&str, &str); 2] = [
    ("AFFLUENZA__CONSUME__BLOCK_RECORDS_MAX", "1500"),
    ("AFFLUENZA__CLICKHOUSE__INSERT_SECONDS_MAX", "20"),
];
const QUESTION: &str = "/v1/usage?period=2017&group=device&measure=accesses";

#[derive(Debug, Clone, Copy)]
enum Fault {
    Killed,
    Frozen,
    Slow,
}

/// An observation and its moment.
struct Seen {
    at: Instant,
    what: Observed,
}

enum Observed {
    /// Events stored by the ledger, and facts.
    Stored { ledger: u64, facts: u64 },
    /// Answer of the API.
    Answer {
        asked: Instant,
        total: u64,
        is_marked: bool,
    },
    /// No figure.
    Refused,
}

/// Ends the watcher when the test ends, also by a panic.
struct StopOnDrop<'s>(&'s AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub fn every_answer_is_right_or_marked(engines: &Engines) {
    let lines = of_environment("BACKLOG_LINES", LINES);
    let seconds = Duration::from_secs(of_environment("BACKLOG_FAULT_SECONDS", FAULT_SECONDS));
    let mut place = engines.place("backlog");
    let mut server = Server::start(&engines.runtime, &place);
    place.clickhouse.url = server.url();
    place.clickhouse.password = server.password().into();
    place.configure();
    place.run(&["migrate"]);
    let log = write(&place.folder, "access.log", access_log(lines).as_bytes());
    let log = log.to_str().expect("a plain path");
    let import = [
        "import",
        "access-log",
        "--ente",
        "Firenze",
        "--portal",
        "www",
        log,
    ];
    let importing = place.spawn(&import, "import.log");
    let began = Instant::now();
    let imported = || {
        place
            .ends()
            .values()
            .map(|end| end.0.unsigned_abs())
            .sum::<u64>()
    };
    while imported() < lines {
        assert!(began.elapsed() < PATIENCE, "{} lines came in", imported());
        std::thread::sleep(Duration::from_millis(100));
    }

    let api = serve(place);
    let key = api.key(&["admin", "--role", "admin"]);
    let (place, stop) = (&api.place, &AtomicBool::new(false));
    let address = &*api.address;
    let seen = std::thread::scope(|scope| {
        let _ended = StopOnDrop(stop);
        let access = place.access();
        let watcher = scope.spawn(move || watch(address, &key, &access, stop));
        let consumer = place.spawn_with(&["consume"], "consumer.log", &SETTINGS);
        let mut faults = [Fault::Killed, Fault::Frozen, Fault::Slow]
            .into_iter()
            .cycle();
        let mut dealt = 0;
        let until = Instant::now() + PATIENCE + seconds * 8;
        while dealt < lines {
            assert!(Instant::now() < until, "{dealt} of {lines} lines");
            let stored = server.stored().unwrap_or(dealt);
            if stored >= (dealt + lines / 8).min(lines) {
                dealt = stored;
                let fault = faults.next().expect("they repeat");
                eprintln!("backlog: {dealt} of {lines} stored, ClickHouse is {fault:?}");
                server.suffer(fault, seconds);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        consumer.terminate();
        place.run(&["consume", "--once"]);
        let settled = Instant::now();
        while settled.elapsed() < LATE {
            std::thread::sleep(Duration::from_millis(100));
        }
        stop.store(true, Ordering::Relaxed);
        watcher.join().expect("it watches to the end")
    });
    drop(importing);
    check_whole(place, lines);
    let doubts = place.count("SELECT count() FROM months_in_doubt FINAL");
    judge(&seen, doubts);
    place.run(&["audit"]);
    server.stop();
}

/// Compares each answer with the events stored before and after it.
fn judge(seen: &[Seen], doubts: u64) {
    let (mut right, mut marked, mut refused) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (place, Seen { what, .. }) in seen.iter().enumerate() {
        let (asked, total, is_marked) = match what {
            Observed::Stored { .. } => continue,
            Observed::Refused => {
                refused += 1;
                continue;
            }
            Observed::Answer {
                asked,
                total,
                is_marked,
            } => (*asked, *total, *is_marked),
        };
        let stored = |seen: &Seen| match seen.what {
            Observed::Stored { ledger, facts } => Some((ledger, facts)),
            Observed::Answer { .. } | Observed::Refused => None,
        };
        let before = seen[..place]
            .iter()
            .rev()
            .filter(|seen| seen.at + LATE <= asked);
        let least = before
            .filter_map(stored)
            .map(|(ledger, _)| ledger)
            .next()
            .unwrap_or(0);
        let most = seen[place..]
            .iter()
            .filter_map(stored)
            .map(|(_, facts)| facts)
            .next();
        if is_marked {
            marked += 1;
        } else if total < least || most.is_some_and(|most| total > most) {
            wrong.push(format!("{total} is not within {least} to {most:?}"));
        } else {
            right += 1;
        }
    }
    eprintln!(
        "backlog: answers right {right}, marked {marked}, refused {refused}, wrong {}; doubts {doubts}",
        wrong.len()
    );
    assert!(right > 0, "some answer is right");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Asks the API and ClickHouse for the stored events, until stopped.
fn watch(address: &str, key: &str, access: &Access, stop: &AtomicBool) -> Vec<Seen> {
    let bearer = format!("Authorization: Bearer {key}\r\n");
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let what = ask(address, &bearer).map_or(Observed::Refused, |(total, is_marked)| {
            Observed::Answer {
                asked,
                total,
                is_marked,
            }
        });
        seen.push(Seen {
            at: Instant::now(),
            what,
        });
        let stored = access.ask(
            "SELECT (SELECT sum(stored) FROM ingest_ledger FINAL), (SELECT count() FROM usage_events)",
            Duration::from_secs(5),
        );
        if let Ok(answer) = stored
            && let Some((ledger, facts)) = answer.trim().split_once('\t')
        {
            let number = |text: &str| text.parse().expect("a number");
            let what = Observed::Stored {
                ledger: number(ledger),
                facts: number(facts),
            };
            seen.push(Seen {
                at: Instant::now(),
                what,
            });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    seen
}

/// Returns the total of accesses, and true if the answer says that it may be wrong. `None` without
/// an answer, or if the answer hides the number.
fn ask(address: &str, header: &str) -> Option<(u64, bool)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let request = format!("GET {QUESTION} HTTP/1.0\r\nHost: api\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let answer: Value = serde_json::from_str(body).ok()?;
    let warnings = answer["meta"]["warnings"].as_array();
    let is_marked = warnings?
        .iter()
        .any(|warning| warning["code"] == "months-in-doubt");
    let total = answer["totals"]["accesses"].as_u64()?;
    head.contains(" 200 ").then_some((total, is_marked))
}

/// Page requests of four months, all different.
fn access_log(lines: u64) -> String {
    let mut text = String::new();
    for line in 0..lines {
        let (month, day) = (
            ["Jan", "Feb", "Mar", "Apr"][(line * 4 / lines) as usize],
            line % 27 + 1,
        );
        let (hour, minute, second) = (line % 24, line / 24 % 60, line / 1440 % 60);
        let _ = writeln!(
            text,
            "93.44.{}.{} - - [{day:02}/{month}/2017:{hour:02}:{minute:02}:{second:02} +0100] \"GET /it/pagina-{line} HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0\"",
            line / 250 % 250,
            line % 250,
        );
    }
    text
}

/// A ClickHouse without repair of its deduplication logs.
struct Server<'r> {
    runtime: &'r tokio::runtime::Handle,
    library: ClickHouseLibrary,
    settings: ClickHouseSettings,
    running: Option<ClickHouse>,
    access: Access,
}

impl<'r> Server<'r> {
    fn start(runtime: &'r tokio::runtime::Handle, place: &Place<'_>) -> Self {
        let cache = Cache::from_env().expect("there is a cache folder");
        let library = cache.prepare_clickhouse(&|line| eprintln!("{line}"));
        let settings = ClickHouseSettings {
            http_port: Some(lasting_port()),
            tcp_port: Some(lasting_port()),
            repairs_tokens: false,
            ..ClickHouseSettings::new(place.folder.join("clickhouse"))
        };
        let mut server = Self {
            runtime,
            library: library.expect("ClickHouse can be fetched"),
            settings,
            running: None,
            access: place.access(),
        };
        server.start_again();
        server.access.address = server.url().replace("http://", "");
        server.access.password = server.password();
        server
    }

    fn start_again(&mut self) {
        let started = ClickHouse::start(&self.settings, &self.library);
        self.running = Some(self.runtime.block_on(started).expect("ClickHouse starts"));
    }

    fn running(&self) -> &ClickHouse {
        self.running.as_ref().expect("ClickHouse runs")
    }

    fn url(&self) -> String {
        self.running().http_url()
    }

    fn password(&self) -> String {
        self.running().password().to_owned()
    }

    /// Events stored by the ledger; `None` while the server does not answer.
    fn stored(&self) -> Option<u64> {
        let query = "SELECT sum(stored) FROM ingest_ledger FINAL";
        let answer = self.access.ask(query, Duration::from_secs(20)).ok()?;
        answer.trim().parse().ok()
    }

    fn suffer(&mut self, fault: Fault, lasting: Duration) {
        match fault {
            Fault::Killed => {
                let running = self.running.take().expect("ClickHouse runs");
                self.runtime.block_on(running.kill());
                std::thread::sleep(lasting);
                self.start_again();
            }
            Fault::Frozen => {
                self.signal(Signal::STOP);
                std::thread::sleep(lasting);
                self.signal(Signal::CONT);
            }
            Fault::Slow => {
                let until = Instant::now() + lasting;
                while Instant::now() < until {
                    self.signal(Signal::STOP);
                    std::thread::sleep(Duration::from_millis(950));
                    self.signal(Signal::CONT);
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.running().pid().cast_signed()).expect("it has a number");
        kill_process(pid, signal).expect("it can be signalled");
    }

    fn stop(mut self) {
        let running = self.running.take().expect("ClickHouse runs");
        self.runtime.block_on(running.stop()).expect("it stops");
    }
}

fn of_environment(name: &str, usual: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text}: give a number"))
    })
}
