//! A backlog is read while ClickHouse is killed, frozen and slow. At the end facts and hour rows are
//! equal, and every answer in between was right or said that it may not be.
//!
//! The server is one of one's own: nobody repairs its deduplication logs after a kill.
//!
//! `BACKLOG_LINES=400000 BACKLOG_FAULT_SECONDS=330` for the long form.

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

/// Of the form that is part of every long test.
const LINES: u64 = 60_000;
const FAULT_SECONDS: u64 = 12;
/// How late a figure may be: what was stored so long before the question must be in the answer.
const LATE: Duration = Duration::from_secs(15);
/// Most time for everything, beside the faults.
const PATIENCE: Duration = Duration::from_secs(900);
/// Small blocks, so that there are many inserts to break off.
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

/// What was seen at a moment.
struct Seen {
    at: Instant,
    what: Sight,
}

enum Sight {
    /// Stored according to the ledger, and facts.
    Stored { ledger: u64, facts: u64 },
    /// An answer to a question that was asked at that moment.
    Answer {
        who: &'static str,
        asked: Instant,
        total: u64,
        is_marked: bool,
    },
    /// A refusal.
    Refused,
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
        let access = place.access();
        let watcher = scope.spawn(move || watch(address, &key, &access, stop));
        let consumer = place.spawn_with(&["consume"], "consumer.log", &SETTINGS);
        let mut faults = [Fault::Killed, Fault::Frozen, Fault::Slow]
            .into_iter()
            .cycle();
        let mut dealt = 0;
        let until = Instant::now() + PATIENCE + seconds * 12;
        while dealt < lines {
            assert!(Instant::now() < until, "{dealt} of {lines} lines");
            let more = server.stored() >= (dealt + lines / 12).min(lines);
            if more {
                dealt = server.stored();
                let fault = faults.next().expect("they repeat");
                eprintln!("backlog: {dealt} of {lines} stored, ClickHouse is {fault:?}");
                server.suffer(fault, seconds);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        consumer.terminate();
        place.run(&["consume", "--once"]);
        std::thread::sleep(LATE);
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

/// Compares each answer with what was stored before and after it.
fn judge(seen: &[Seen], doubts: u64) {
    let (mut right, mut marked, mut refused) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (place, Seen { what, .. }) in seen.iter().enumerate() {
        let (who, asked, total, is_marked) = match what {
            Sight::Stored { .. } => continue,
            Sight::Refused => {
                refused += 1;
                continue;
            }
            Sight::Answer {
                who,
                asked,
                total,
                is_marked,
            } => (*who, *asked, *total, *is_marked),
        };
        let stored = |seen: &Seen| match seen.what {
            Sight::Stored { ledger, facts } => Some((ledger, facts)),
            Sight::Answer { .. } | Sight::Refused => None,
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
            wrong.push(format!("{who}: {total} is not within {least} to {most:?}"));
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

/// Asks with and without a key, and what is stored, again and again.
fn watch(address: &str, key: &str, access: &Access, stop: &AtomicBool) -> Vec<Seen> {
    let bearer = format!("Authorization: Bearer {key}\r\n");
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for (who, header) in [("with a key", &*bearer), ("public", "")] {
            let asked = Instant::now();
            let what =
                ask(address, header).map_or(Sight::Refused, |(total, is_marked)| Sight::Answer {
                    who,
                    asked,
                    total,
                    is_marked,
                });
            seen.push(Seen {
                at: Instant::now(),
                what,
            });
        }
        let stored = access.ask(
            "SELECT (SELECT sum(stored) FROM ingest_ledger FINAL), (SELECT count() FROM usage_events)",
            Duration::from_secs(5),
        );
        if let Ok(answer) = stored
            && let Some((ledger, facts)) = answer.trim().split_once('\t')
        {
            let number = |text: &str| text.parse().expect("a number");
            let what = Sight::Stored {
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

/// Accesses in all, and whether the answer says that they may be wrong. None without an answer, or
/// where it hides the number.
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

/// Page requests of four months, each once.
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

/// A ClickHouse whose deduplication logs nobody repairs.
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

    fn stored(&self) -> u64 {
        let rows = self
            .access
            .rows("SELECT sum(stored) FROM ingest_ledger FINAL");
        rows[0][0].parse().expect("a number")
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
