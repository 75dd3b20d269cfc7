//! All steps at one number of bodies.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use hayro_syntax::Pdf;

use crate::browser::Browser;
use crate::client::{Client, LIFTED, Served};
use crate::measure::{Begun, peak_of};
use crate::percentile;
use crate::run::{Step, Value, bounded, forget_peak};
use crate::support::{Engines, Place, Running};
use crate::table::{Column, Figure};

/// The closed year, and the year before.
const YEAR: &str = "2025";
const BEFORE: &str = "2024";
/// Events of the simulator for each completed use.
const EVENTS_A_USE: f64 = 2.53;
/// Bodies above which the catalogue has ten times as many services.
const SMALL: usize = 2_000;
/// Forms of the report.
const FORMS: [&str; 5] = ["pdf", "html", "xlsx", "csv", "json"];
/// Questions of the dashboard and of analysts; `{}` stands for a period.
const QUESTIONS: [&str; 14] = [
    "categories?period={}",
    "enti?period={}",
    "matrix?by_kind=true&period={}",
    "top-services?period={}",
    "variations?period={}",
    "hours?period={}",
    "bands?period={}",
    "devices?period={}",
    "devices?trend=month&period={}",
    "logins?period={}",
    "offered-versus-used?period={}",
    "catalogue?period={}",
    "usage?group=category,month&compare=none&period={}",
    "usage?group=portal,channel&period={}",
];
const PAGE: (u32, u32) = (1280, 900);
const SHOWN: &str = "document.querySelector('main[data-shown]:not([aria-busy])')";

/// Region to measure, and its number of events.
pub struct Size {
    pub enti: usize,
    /// Events of a year.
    pub events: u64,
    /// Time after which a step is killed.
    pub bound: Duration,
}

impl Size {
    pub fn measure(&self, engines: &Engines) -> Column {
        let place = engines.place(&format!("scale_{}", self.enti));
        let pids = [engines.clickhouse.pid(), engines.kafka.pid()];
        pids.into_iter().for_each(forget_peak);
        let mut run = Run {
            place: &place,
            bound: self.bound,
            figures: Vec::new(),
        };
        run.made_up(self);
        run.register();
        run.events(pids);
        let cells = place.count(&format!(
            "SELECT uniqExact(ente, service, kind) FROM usage_hourly WHERE service_uses > 0 AND toYear(local_date) = {YEAR}"
        ));
        run.start();
        run.keyed();
        run.closing();
        run.reports();
        run.public();
        for (name, pid) in ["ClickHouse", "Kafka"].into_iter().zip(pids) {
            let peak = peak_of(pid).map_or(Value::Missing, Value::Measured);
            run.add(&format!("{name}, MiB"), peak);
        }
        let figures = run.figures;
        let drop = format!("DROP DATABASE {}", place.clickhouse.database);
        place
            .wait(place.store().admin().run_statement(&drop))
            .expect("a database can be dropped");
        Column {
            enti: self.enti,
            cells: cells as f64,
            figures,
        }
    }
}

/// The steps of one size.
struct Run<'r, 'e> {
    place: &'r Place<'e>,
    bound: Duration,
    figures: Vec<Figure>,
}

impl Run<'_, '_> {
    fn add(&mut self, name: &str, value: Value) {
        eprintln!("{name}: {value}");
        self.figures.push(Figure {
            name: name.to_owned(),
            value,
            is_fitted: false,
        });
    }

    /// Adds a figure whose growth with the number of cells is of interest.
    fn add_fitted(&mut self, name: &str, value: Value) {
        self.add(name, value);
        self.figures.last_mut().expect("it was added").is_fitted = true;
    }

    fn step(&self, arguments: &[&str]) -> Step {
        let log = self.place.folder.join("steps.log");
        bounded(&mut self.place.command(arguments), &log, self.bound)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.folder.join(name)
    }

    /// Writes the register and the figures, and names the register in the configuration.
    fn made_up(&mut self, size: &Size) {
        let folder = self.path("region").display().to_string();
        let services = if size.enti > SMALL { "2000" } else { "200" };
        let uses = (size.events as f64 / EVENTS_A_USE) as u64;
        self.place.run(&[
            "simulate",
            "region",
            &folder,
            "--enti",
            &size.enti.to_string(),
            "--services",
            services,
            "--uses",
            &uses.to_string(),
            "--year",
            BEFORE,
            "--year",
            YEAR,
        ]);
        let mut text = std::fs::read_to_string(&self.place.config).expect("it is there");
        let _ = write!(text, "\n[register]\nfile = \"{folder}/register.toml\"\n");
        std::fs::write(&self.place.config, text).expect("it can be written");
    }

    fn register(&mut self) {
        let check = self.step(&["register", "check"]);
        self.add_fitted("register check, s", check.seconds);
        self.place.run(&["migrate"]);
        let apply = self.step(&["register", "apply"]);
        self.add_fitted("register apply, s", apply.seconds);
        self.add("register apply, MiB", apply.peak_mib);
    }

    fn events(&mut self, [clickhouse, kafka]: [u32; 2]) {
        let folder = self.path("region").display().to_string();
        for year in [BEFORE, YEAR] {
            let began = Instant::now();
            self.place
                .run(&["simulate", "--figures", &folder, "--year", year]);
            eprintln!("{year} written in {:.1} s", began.elapsed().as_secs_f64());
        }
        let began = Begun::now(clickhouse, kafka);
        let consume = self.step(&["consume", "--once"]);
        let engines = began.until_now(|| ());
        let events = self.place.records_processed() as f64;
        let million = |cpu: f64| Value::Measured(cpu * 1e6 / events.max(1.0));
        self.add("events", Value::Measured(events));
        self.add("consumer, CPU s a million events", million(consume.cpu));
        self.add("ClickHouse and Kafka, the same", million(engines.cpu()));
        self.add("consumer, MiB", consume.peak_mib);
    }

    /// Measures the time until `up` says that everything runs.
    fn start(&mut self) {
        let began = Instant::now();
        let mut up = self.place.spawn(&["up"], "up.log");
        let log = self.path("up.log");
        let is_up =
            || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("running; Ctrl-C"));
        let seconds = loop {
            if is_up() {
                break Value::Measured(began.elapsed().as_secs_f64());
            }
            if began.elapsed() > self.bound {
                break Value::Over(self.bound.as_secs_f64());
            }
            if up.has_ended() {
                break Value::Missing;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        self.add("start of `up`, s", seconds);
        self.add("`up`, MiB", peak(&up));
    }

    /// Asks each question about each month of two years, so that no answer is cached.
    fn keyed(&mut self) {
        let key = self.place.run(&["keys", "create", "all"]);
        let served = Served::start(self.place, "keyed", LIFTED);
        let mut client = served.client(key.trim());
        let months =
            [BEFORE, YEAR].map(|year| (1..=12).map(move |month| format!("{year}-{month:02}")));
        let periods: Vec<String> = months.into_iter().flatten().collect();
        self.ask("keyed", &mut client, &periods);
        self.add("API, MiB", peak(&served.running));
    }

    fn ask(&mut self, who: &str, client: &mut Client, periods: &[String]) {
        let (mut waits, mut bytes, mut refused) = (Vec::new(), 0, 0);
        for question in QUESTIONS {
            let before = waits.len();
            for period in periods {
                let reply = client.ask(&question.replace("{}", period), None);
                match reply.status {
                    200 => waits.push(reply.milliseconds),
                    _ => refused += 1,
                }
                bytes = bytes.max(reply.bytes);
            }
            let slowest = waits[before..].iter().copied().fold(0.0, f64::max);
            eprintln!("{who} {question}: at most {slowest:.0} ms");
        }
        waits.sort_by(f64::total_cmp);
        for percent in [50, 99] {
            let value = match waits.as_slice() {
                [] => Value::Missing,
                waits => Value::Measured(percentile(waits, percent)),
            };
            self.add(&format!("{who} questions, p{percent}, ms"), value);
        }
        let kib = Value::Measured(bytes as f64 / 1024.0);
        self.add(&format!("{who}, largest answer, KiB compressed"), kib);
        self.add(
            &format!("{who}, questions without an answer"),
            Value::Measured(f64::from(refused)),
        );
    }

    fn closing(&mut self) {
        let close = self.step(&["close-year", YEAR]);
        self.add_fitted("closing a year, s", close.seconds);
        self.add("closing a year, MiB", close.peak_mib);
    }

    fn reports(&mut self) {
        for form in FORMS {
            let file = self.path(&format!("report.{form}"));
            let path = file.display().to_string();
            let report = self.step(&["report", "--year", YEAR, "--output", &path]);
            self.add_fitted(&format!("report as {form}, s"), report.seconds);
            self.add(&format!("report as {form}, MiB of memory"), report.peak_mib);
            let bytes = std::fs::read(&file).unwrap_or_default();
            let written = report.has_succeeded();
            let mb = Value::Measured(bytes.len() as f64 / 1e6);
            self.add(
                &format!("report as {form}, MB"),
                if written { mb } else { Value::Missing },
            );
            if form == "pdf" {
                let pages = Pdf::new(bytes).map(|pdf| pdf.pages().len() as f64);
                self.add(
                    "report as pdf, pages",
                    pages.map_or(Value::Missing, Value::Measured),
                );
            }
        }
        let folder = self.path("every").display().to_string();
        let every = self.step(&[
            "report",
            "--year",
            YEAR,
            "--every-ente",
            "--output",
            &folder,
        ]);
        self.add_fitted("report of every ente, s", every.seconds);
        self.add("report of every ente, MiB", every.peak_mib);
    }

    /// Asks the public questions of a closed year, and opens the first page.
    fn public(&mut self) {
        let served = Served::start(self.place, "public", LIFTED);
        let mut client = served.public();
        // The second answer comes from the cache, as most public answers do.
        self.ask("public", &mut client, &[YEAR, YEAR].map(str::to_owned));
        self.first_page(&served);
        self.add("API with public figures, MiB", peak(&served.running));
    }

    fn first_page(&mut self, served: &Served) {
        let there = Command::new("chromium").arg("--version").output();
        let mut values = [Value::Missing; 3];
        if there.is_ok_and(|output| output.status.success()) {
            let mut browser = Browser::start(&self.place.folder);
            browser.open(PAGE, "it");
            let began = Instant::now();
            browser.visit(&format!("http://{}/", served.address), SHOWN);
            let seconds = began.elapsed().as_secs_f64();
            let sum =
                "performance.getEntries().reduce((sum, it) => sum + (it.transferSize || 0), 0)";
            let bytes = browser.run(sum).as_f64().unwrap_or_default();
            let requests = browser.requests().len() as f64;
            values = [requests, bytes / 1000.0, seconds].map(Value::Measured);
        }
        for (unit, value) in ["requests", "kB", "s"].into_iter().zip(values) {
            self.add(&format!("first page, {unit}"), value);
        }
    }
}

fn peak(running: &Running) -> Value {
    peak_of(running.0.id()).map_or(Value::Missing, Value::Measured)
}
