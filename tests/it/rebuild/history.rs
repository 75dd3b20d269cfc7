//! Events that two registers classify differently, and the expected result of a rebuild.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Engines, Place, Running, stderr, write};

/// Categories of both registers, which name the same events differently.
const CATEGORIES: &str = r#"
    [[category]]
    code = "tributi"
    name_it = "Tributi"
    name_en = "Local taxes"

    [[category]]
    code = "casa"
    name_it = "Casa"
    name_en = "Housing"

    [[ente]]
    code = "c_other"
    name = "Altro"
    kind = "comune"

    [[service]]
    code = "alloggi"
    name_it = "Alloggi"
    category = "casa"
"#;
const BEFORE: &str = r#"
    [[ente]]
    code = "c_old"
    name = "Vecchio"
    kind = "comune"
    aliases = ["c_new"]

    [[service]]
    code = "imu"
    name_it = "IMU"
    category = "tributi"
"#;
/// The ente has another code, and one service changes its category in February.
const AFTER: &str = r#"
    [[ente]]
    code = "c_new"
    name = "Nuovo"
    kind = "comune"
    aliases = ["c_old"]

    [[service]]
    code = "imu"
    name_it = "IMU"
    category = [{ code = "tributi", valid_to = 2017-02-01 }, { code = "casa", valid_from = 2017-02-01 }]
"#;

const AGENTS: [&str; 2] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/61.0.3163.100 Safari/537.36",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
];

/// An event of the first three months of 2017, derived from its number.
pub struct Event(pub u64);

impl Event {
    pub fn month(&self) -> u64 {
        1 + self.0 % 3
    }

    pub fn ente(&self) -> &'static str {
        if self.0.is_multiple_of(4) {
            "c_old"
        } else {
            "c_other"
        }
    }

    pub fn service(&self) -> &'static str {
        if self.0 % 5 < 2 { "imu" } else { "alloggi" }
    }

    pub fn json(&self) -> String {
        let (id, month, day, minute) = (self.0, self.month(), 1 + self.0 / 3 % 28, self.0 % 60);
        let (ente, service) = (self.ente(), self.service());
        let agent = AGENTS[usize::from(self.0.is_multiple_of(7))];
        format!(
            r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://servizi.example.it","id":"{id}","time":"2017-{month:02}-{day:02}T10:{minute:02}:00+01:00","data":{{"ente":"{ente}","portal":"www","service":"{service}","kind":"plain","session":"s{id}","client":{{"user_agent":"{agent}"}}}}}}"#
        )
    }

    /// Ente and category under [`AFTER`].
    pub fn after(&self) -> (&'static str, &'static str) {
        let ente = if self.ente() == "c_old" {
            "c_new"
        } else {
            "c_other"
        };
        let is_moved = self.service() == "imu" && self.month() > 1;
        let category = match self.service() {
            "imu" if !is_moved => "tributi",
            _ => "casa",
        };
        (ente, category)
    }

    pub fn before(&self) -> (&'static str, &'static str) {
        let category = if self.service() == "imu" {
            "tributi"
        } else {
            "casa"
        };
        (self.ente(), category)
    }
}

/// Number of events by old and new ente and category, under [`AFTER`].
pub fn moves(events: impl Iterator<Item = Event>) -> BTreeMap<[String; 4], u64> {
    let mut moves = BTreeMap::new();
    for event in events {
        let (before, after) = (event.before(), event.after());
        if before != after {
            let key = [before.0, before.1, after.0, after.1].map(str::to_owned);
            *moves.entry(key).or_default() += 1;
        }
    }
    moves
}

/// A place with its registers.
pub struct History<'e> {
    pub place: Place<'e>,
    pub before: PathBuf,
    pub after: PathBuf,
}

impl<'e> History<'e> {
    /// Consumes events under [`BEFORE`]: some of them twice, and one invalid record.
    pub fn new(engines: &'e Engines, name: &str, events: u64) -> Self {
        let place = engines.place(name);
        let register = |file: &str, rest: &str| {
            write(
                &place.folder,
                file,
                format!("{CATEGORIES}{rest}").as_bytes(),
            )
        };
        let before = register("before.toml", BEFORE);
        let after = register("after.toml", AFTER);
        let migrate = place
            .command(&["migrate"])
            .env("AFFLUENZA__KAFKA__PARTITIONS", "2")
            .output();
        assert!(migrate.expect("the program runs").status.success());
        let history = Self {
            place,
            before,
            after,
        };
        history.produce((0..events).chain(0..events / 10));
        history.place.produce([("k", b"no event".as_slice())]);
        history.run(&history.before, &["consume", "--once"]);
        history
    }

    pub fn produce(&self, numbers: impl Iterator<Item = u64>) {
        let records: Vec<(String, String)> = numbers
            .map(|number| (format!("s{number}"), Event(number).json()))
            .collect();
        self.place.produce(
            records
                .iter()
                .map(|(key, record)| (key.as_str(), record.as_bytes())),
        );
    }

    pub fn command(&self, register: &Path, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command
            .env("AFFLUENZA__REGISTER__FILE", register)
            .env("AFFLUENZA__CONSUME__BLOCK_RECORDS_MAX", "700");
        command
    }

    pub fn run(&self, register: &Path, arguments: &[&str]) -> String {
        let output = self
            .command(register, arguments)
            .output()
            .expect("the program runs");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        String::from_utf8(output.stdout).expect("it prints text")
    }

    pub fn rebuild(&self, register: &Path, arguments: &[&str]) -> Value {
        let arguments = [&["rebuild"], arguments, &["--format", "json"]].concat();
        serde_json::from_str(&self.run(register, &arguments)).expect("the result is JSON")
    }

    /// Runs a command that must fail and returns its last line.
    pub fn fails(&self, register: &Path, arguments: &[&str]) -> String {
        let output = self
            .command(register, arguments)
            .output()
            .expect("the program runs");
        assert!(!output.status.success(), "{arguments:?} succeeded");
        stderr(&output)
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn spawn(&self, register: &Path, arguments: &[&str]) -> Running {
        let log = std::fs::File::create(self.place.folder.join("log")).expect("a log can be made");
        let mut command = self.command(register, arguments);
        Running(
            command
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("the program starts"),
        )
    }

    pub fn execute(&self, statement: &str) {
        self.place
            .wait(self.place.store().admin().run_statement(statement))
            .expect("the statement is carried out");
    }

    /// All figures that a rebuild may change on purpose only.
    pub fn figures(&self) -> Vec<u64> {
        [
            "SELECT count() FROM usage_events",
            "SELECT uniqExact(kafka_partition, kafka_offset) FROM usage_events",
            "SELECT sum(cityHash64(kafka_partition, kafka_offset, identity, time, hour_start, band, session, ente, portal, service, category, kind, device, device_rule, outcome)) FROM usage_events",
            "SELECT sum(h.events) FROM usage_hourly AS h",
            "SELECT sum(cityHash64(hour_start, ente, category, kind, device, events, uses)) FROM (SELECT hour_start, ente, category, kind, device, sum(h.events) AS events, sum(h.service_uses) AS uses FROM usage_hourly AS h GROUP BY ALL HAVING events != 0)",
            "SELECT sum(records_read) FROM ingest_ledger FINAL",
            "SELECT sum(cityHash64(*)) FROM (SELECT kafka_partition, f.ente, f.day, f.fate, f.reason, sum(f.records) FROM (SELECT * FROM ingest_ledger FINAL) ARRAY JOIN fates AS f GROUP BY ALL)",
        ]
        .into_iter()
        .map(|query| self.place.count(query))
        .collect()
    }

    pub fn check_balance(&self) {
        let told = self.place.run(&["audit"]);
        assert!(
            told.contains("balanced: every record is accounted for"),
            "{told}"
        );
        let second = format!(
            "SELECT count() FROM system.databases WHERE name = '{}_rebuild'",
            self.place.store().admin().database()
        );
        assert_eq!(self.place.count(&second), 0, "no second database is left");
    }
}

/// Moves that a rebuild reports, summed over devices and years.
pub fn told(rebuilt: &Value) -> BTreeMap<[String; 4], u64> {
    let mut moves = BTreeMap::new();
    for change in rebuilt["changes"].as_array().expect("changes are a list") {
        let key = ["ente", "category", "to_ente", "to_category"]
            .map(|name| change[name].as_str().expect("a text").to_owned());
        *moves.entry(key).or_default() +=
            change["events"].as_i64().expect("a count").unsigned_abs();
    }
    moves
}
