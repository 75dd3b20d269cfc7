//! The aggregate API: every figure against a recount in SQL, keys and enti, invalid parameters.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::support::{Engines, Place, Running, eventually};

/// Start and filter of the recount, which reads the facts without the API's own queries.
const RECOUNT: &str = "SELECT count() FROM usage_events WHERE";
/// Maximum time for asking a question again while the service cannot answer.
const PATIENCE: Duration = Duration::from_secs(300);
const USES: &str =
    "activity = 'service-use' AND outcome = 'completed' AND device NOT IN ('bot', 'no-agent')";
/// All resources, each with a valid question.
const RESOURCES: [&str; 14] = [
    "usage?period=2016",
    "categories?period=2016",
    "enti?period=2016",
    "matrix?period=2016",
    "top-services?period=2016",
    "variations?period=2017",
    "hours?period=2016",
    "bands?period=2016",
    "devices?period=2016",
    "logins?period=2016",
    "offered-versus-used?period=2016",
    "catalogue?period=2016",
    "register?period=2016",
    "live",
];

const FAST: [(&str, &str); 4] = [
    ("AFFLUENZA__SERVE__KEY_REQUESTS_PER_SECOND", "100000"),
    ("AFFLUENZA__SERVE__KEY_REQUESTS_BURST", "100000"),
    ("AFFLUENZA__SERVE__ADDRESS_REQUESTS_BURST", "100000"),
    ("AFFLUENZA__SERVE__ADDRESS_REQUESTS_PER_SECOND", "100000"),
];
/// Settings of the publisher of the open data.
pub const PUBLISHER: [(&str, &str); 4] = [
    ("AFFLUENZA__OPEN_DATA__PUBLISHER", "Ente di prova"),
    ("AFFLUENZA__OPEN_DATA__PUBLISHER_IPA", "c_prova"),
    ("AFFLUENZA__OPEN_DATA__CONTACT", "dati@example.it"),
    (
        "AFFLUENZA__OPEN_DATA__BASE_URL",
        "https://dati.example.it/open-data",
    ),
];

pub struct Served<'e> {
    pub place: Place<'e>,
    pub address: String,
    _serving: Running,
}

pub struct Reply {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Served<'_> {
    pub fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut stream = TcpStream::connect(&self.address).expect("the API listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("it can be set");
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let answer = String::from_utf8(answer).expect("it is text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Reply {
            status: status.expect("it has a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Retries after a 503 as `Retry-After` states, as clients do: a loaded machine may take a minute
    /// for what the API limits to ten seconds.
    fn answer(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let began = Instant::now();
        loop {
            let reply = self.ask(path, headers);
            let again = reply.header("retry-after").filter(|_| reply.status == 503);
            let seconds = again.and_then(|seconds| seconds.parse().ok());
            let Some(seconds) = seconds.filter(|_| began.elapsed() < PATIENCE) else {
                return reply;
            };
            eprintln!("{path} is retried: {}", reply.body);
            std::thread::sleep(Duration::from_secs(seconds));
        }
    }

    pub fn with_key(&self, key: &str, path: &str) -> Reply {
        let bearer = format!("Bearer {key}");
        self.answer(&format!("/v1/{path}"), &[("Authorization", &bearer)])
    }

    pub fn data(&self, key: &str, path: &str) -> Value {
        let reply = self.with_key(key, path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    }

    fn recount(&self, condition: &str) -> u64 {
        self.place.count(&format!("{RECOUNT} {condition}"))
    }

    pub fn key(&self, arguments: &[&str]) -> String {
        let made = self.place.run(&[&["keys", "create"], arguments].concat());
        made.trim().to_owned()
    }
}

/// Starts an API over two years of sampled events.
pub fn served<'e>(engines: &'e Engines, name: &str) -> Served<'e> {
    let place = engines.place(name);
    place.run(&["migrate"]);
    for year in ["2016", "2017"] {
        place.run(&["simulate", "--focus", year, "--scale", "0.02"]);
    }
    place.run(&["consume", "--once"]);
    serve(place)
}

/// Starts an API over an existing database.
pub fn serve(place: Place<'_>) -> Served<'_> {
    let settings = [&FAST[..], &PUBLISHER].concat();
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let serving = place.spawn_with(&listen, "serve.log", &settings);
    let log = place.folder.join("serve.log");
    let mut address = None;
    eventually("the API says where it listens", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        address = text
            .split_once("listening on http://")
            .and_then(|(_, rest)| Some(rest.split_once(';')?.0.to_owned()));
        address.is_some()
    });
    Served {
        place,
        address: address.expect("it was found"),
        _serving: serving,
    }
}

fn sum(answer: &Value, column: &str) -> u64 {
    let rows = answer["data"].as_array().expect("there are rows");
    rows.iter().filter_map(|row| row[column].as_u64()).sum()
}

pub fn every_figure_equals_a_recount(engines: &Engines) {
    let api = served(engines, "api_figures");
    let key = api.key(&["all"]);
    let of_2017 = format!("{USES} AND toYear(local_date) = 2017");
    let uses = api.recount(&of_2017);
    assert!(uses > 10_000);

    // Every grouping has the same total.
    for group in [
        "category",
        "ente",
        "service",
        "kind",
        "portal",
        "portal_kind",
        "device",
        "login",
        "channel",
        "country",
        "hour",
        "band",
        "weekday",
        "day",
        "month",
        "year",
        "ente,category,kind",
        "weekday,hour",
    ] {
        let answer = api.data(
            &key,
            &format!("usage?period=2017&group={group}&limit=10000"),
        );
        assert_eq!(sum(&answer, "service_uses"), uses, "by {group}");
        assert_eq!(answer["totals"]["service_uses"], uses, "by {group}");
    }
    for (measure, count, condition) in [
        (
            "accesses",
            "people",
            "resource = 'page' AND device NOT IN ('bot', 'no-agent')",
        ),
        ("accesses", "all", "resource = 'page'"),
        ("events", "all", "1"),
    ] {
        let answer = api.data(
            &key,
            &format!("usage?period=2017&group=month&measure={measure}&count={count}"),
        );
        let expected = api.recount(&format!("{condition} AND toYear(local_date) = 2017"));
        assert_eq!(sum(&answer, measure), expected, "{measure} {count}");
    }

    // Compares every cell.
    let cells = api.data(
        &key,
        "usage?period=2017-02..2017-03-15&group=ente,category,kind&limit=10000",
    );
    for row in cells["data"].as_array().expect("rows") {
        let condition = format!(
            "{USES} AND local_date BETWEEN '2017-02-01' AND '2017-03-15' AND ente = '{}' AND category = '{}' AND kind = '{}'",
            row["ente"].as_str().expect("text"),
            row["category"].as_str().expect("text"),
            row["kind"].as_str().expect("text"),
        );
        assert_eq!(row["service_uses"], api.recount(&condition), "{row}");
    }

    named_resources(&api, &key, uses);
    periods_and_comparisons(&api, &key);
    crate::users::are_one_number(&api, &key);
    caching(&api, &key);
    files(&api, &key);
}

fn named_resources(api: &Served<'_>, key: &str, uses: u64) {
    for resource in [
        "categories",
        "enti",
        "matrix",
        "top-services",
        "devices",
        "logins",
    ] {
        let path = format!("{resource}?period=2017&limit=10000&measure=service_uses");
        let answer = api.data(key, &path);
        assert_eq!(sum(&answer, "service_uses"), uses, "{resource}");
    }
    for resource in ["categories?", "enti?", "matrix?by_kind=true&limit=10000&"] {
        let answer = api.data(key, &format!("{resource}period=2017"));
        let kinds = ["of_which_plain", "of_which_payments", "of_which_bookings"];
        let all: u64 = kinds.iter().map(|kind| sum(&answer, kind)).sum();
        assert_eq!(all, uses, "{resource}");
    }
    let hours = api.data(key, "hours?period=2017");
    let bands = api.data(key, "bands?period=2017");
    assert_eq!(hours["data"].as_array().map(Vec::len), Some(24));
    assert_eq!(hours["totals"], bands["totals"]);
    let users = api.place.count(
        "SELECT sum(users) FROM (SELECT uniqExact(visitor) AS users FROM usage_events WHERE visitor != 0 AND resource IN ('none', 'page') AND device NOT IN ('bot', 'no-agent') AND toYear(local_date) = 2017 GROUP BY hour_start)",
    );
    assert_eq!(hours["totals"]["users_hours"], users);
    // A year has 365 times 24 hours in spite of clock changes.
    let existing: f64 = bands["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row["hours_existing"].as_f64())
        .sum();
    assert!((existing - 8760.0).abs() < 1e-9, "{existing}");

    let variations = api.data(key, "variations?period=2017&limit=10000");
    assert_eq!(sum(&variations, "service_uses"), uses);
    assert_eq!(variations["meta"]["compared_with"]["from"], "2016-01-01");
    let before = api.recount(&format!("{USES} AND toYear(local_date) = 2016"));
    assert_eq!(sum(&variations, "before"), before);
    let offered = api.data(key, "offered-versus-used?period=2017");
    assert_eq!(sum(&offered, "service_uses"), uses);
    for row in offered["data"].as_array().into_iter().flatten() {
        let [offered, used, unused] = ["services_offered", "services_used", "services_unused"]
            .map(|name| row[name].as_u64().expect("a count"));
        assert_eq!(offered, used + unused, "{row}");
    }
    assert!(
        !api.data(key, "catalogue")["data"]
            .as_array()
            .expect("rows")
            .is_empty()
    );
    assert_eq!(
        api.data(key, "live?minutes=5")["data"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
}

fn periods_and_comparisons(api: &Served<'_>, key: &str) {
    // A leap year compared with a common year.
    let leap = api.data(key, "categories?period=2017&compare=2016");
    assert_eq!(leap["meta"]["compared_with"]["days"], 366);
    let codes = |answer: &Value| -> Vec<String> {
        let warnings = answer["meta"]["warnings"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        warnings
            .iter()
            .filter_map(|warning| Some(warning["code"].as_str()?.to_owned()))
            .collect()
    };
    assert!(codes(&leap).contains(&"periods-differ-in-length".to_owned()));
    let february = api.data(key, "usage?period=2016-02&compare=year-before&group=ente");
    assert_eq!(february["meta"]["period"]["days"], 29);
    assert_eq!(february["meta"]["compared_with"]["to"], "2015-02-28");
    // There are no events of 2015: the base is zero in every row and in the total.
    for row in february["data"]
        .as_array()
        .into_iter()
        .flatten()
        .chain([&february["totals"]])
    {
        assert_eq!(
            (&row["before"], &row["change_percent"]),
            (&Value::from(0), &Value::Null)
        );
        assert_eq!(row["notes"]["change_percent"], "n.d.", "{row}");
    }
    // Rows that exist only in the earlier period are returned, too.
    let vanished = api.data(key, "usage?period=2018&compare=2017&group=ente");
    assert_eq!(
        sum(&vanished, "before"),
        api.recount(&format!("{USES} AND toYear(local_date) = 2017"))
    );
    assert!(
        vanished["data"]
            .as_array()
            .into_iter()
            .flatten()
            .all(|row| row["state"] == "vanished")
    );
    // A month is compared with the same month of the other period.
    let months = api.data(key, "usage?period=2017&compare=year-before&group=month");
    let whole = api.recount(&format!("{USES} AND toYear(local_date) = 2016"));
    assert_eq!(sum(&months, "before"), whole);
    let march = months["data"].as_array().expect("rows").iter();
    let march = march.filter(|row| row["month"] == "2017-03");
    let march: Vec<&Value> = march.map(|row| &row["before"]).collect();
    let before = api.recount(&format!(
        "{USES} AND toStartOfMonth(local_date) = '2016-03-01'"
    ));
    assert_eq!(march, [&Value::from(before)]);
    let empty = api.data(key, "usage?period=1999&group=category");
    assert_eq!(empty["data"], Value::Array(Vec::new()));
    assert_eq!(empty["totals"]["service_uses"], 0);
    assert!(
        codes(&empty).contains(&"days-missing".to_owned())
            || codes(&empty).contains(&"no-data".to_owned())
    );
    // A sorted list is sorted on all of its pages.
    let sorted = api.data(key, "register?period=2017&order=-days_missing&limit=5");
    let missing: Vec<u64> = sorted["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row["days_missing"].as_u64())
        .collect();
    assert!(
        missing.len() == 5 && missing.is_sorted_by(|a, b| a >= b),
        "{missing:?}"
    );
    let found = api.data(key, "enti?period=2017&search=BORGO");
    assert_eq!(found["meta"]["rows"], 1, "{found}");
    // Every row is on exactly one page.
    let whole = api.data(key, "usage?period=2017&group=service&limit=10000");
    let (mut rows, mut next) = (
        Vec::new(),
        Some("/v1/usage?period=2017&group=service&limit=7".to_owned()),
    );
    while let Some(path) = next {
        let page = api.data(key, path.trim_start_matches("/v1/"));
        rows.extend(page["data"].as_array().cloned().unwrap_or_default());
        next = page["links"]["next"]["href"].as_str().map(str::to_owned);
    }
    assert_eq!(Value::Array(rows), whole["data"]);
}

fn caching(api: &Served<'_>, key: &str) {
    let bearer = format!("Bearer {key}");
    let path = "/v1/categories?period=2016";
    let first = api.ask(path, &[("Authorization", &bearer)]);
    let etag = first.header("etag").expect("there is one").to_owned();
    let same = api.ask(
        path,
        &[("Authorization", &bearer), ("If-None-Match", &etag)],
    );
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    assert_eq!(same.header("etag"), Some(etag.as_str()));
    assert!(same.header("ratelimit-remaining").is_some());
    // A new event changes the answer without a restart.
    let total = first.json()["totals"]["service_uses"].clone();
    let event = br#"{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://test","id":"one","time":"2016-05-05T10:00:00+02:00","data":{"ente":"firenze","portal":"servizi-online","service":"visure-anagrafiche","kind":"plain","client":{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"}}}"#;
    api.place.produce([("one", &event[..])]);
    api.place.run(&["consume", "--once"]);
    eventually("the new event is in the answer", || {
        let now = api.ask(
            path,
            &[("Authorization", &bearer), ("If-None-Match", &etag)],
        );
        now.status == 200
            && now.json()["totals"]["service_uses"].as_u64()
                == total.as_u64().map(|count| count + 1)
    });
}

/// Polls an ente's figures during the ingestion of another ente. Every question stays the same until
/// the ente has an event of its own, until one is erased, and until a rebuild.
pub fn an_etag_changes_with_own_data_only(engines: &Engines) {
    let api = served(engines, "api_etags");
    let consumer = api.place.spawn(&["consume"], "consume.log");
    let (all, own) = (api.key(&["all"]), api.key(&["own", "--ente", "c_d612"]));
    let mut polls: Vec<Poll> = [
        "enti?period=2017",
        "categories?period=2017&compare=year-before",
        "hours?period=2017",
        "register?period=2017",
        "usage?group=month,service&period=2017-03",
    ]
    .map(|path| Poll::first(&own, path))
    .into();
    polls.push(Poll::first(&all, "enti?period=2016"));
    polls.push(Poll::first(&all, "enti?period=2017&ente=c_d612"));
    let mut whole = Poll::first(&all, "enti?period=2017");
    for poll in polls.iter_mut().chain([&mut whole]) {
        assert_eq!(poll.again(&api), 200, "{}", poll.path);
    }
    for other in 0..14 {
        use_of(&api, "c_l838", &format!("other-{other}"), "2017-03-14");
        eventually("everybody's figures change", || whole.again(&api) == 200);
        for poll in &mut polls {
            assert_eq!(poll.again(&api), 304, "{}", poll.path);
        }
    }
    let mut figures = polls.swap_remove(0);
    let changes = |what: &str, figures: &mut Poll| {
        eventually(what, || figures.again(&api) == 200);
        figures.uses
    };
    let before = figures.uses;
    use_of(&api, "c_d612", "own", "2017-03-14");
    assert_eq!(changes("an own event", &mut figures), before + 1);
    api.place.run(&[
        "erase",
        "--ente",
        "c_d612",
        "--period",
        "2017-03-14",
        "--reason",
        "order 1",
    ]);
    eventually("the erased uses are gone", || {
        figures.again(&api) == 200 && figures.uses < before
    });
    drop(consumer);
    let erased = figures.uses;
    while figures.again(&api) == 200 {}
    api.place.run(&["rebuild"]);
    assert_eq!(changes("a rebuild", &mut figures), erased);
}

/// A question that is asked again and again with the ETag of its last answer.
struct Poll {
    bearer: String,
    path: &'static str,
    etag: String,
    uses: u64,
}

impl Poll {
    fn first(key: &str, path: &'static str) -> Self {
        Self {
            bearer: format!("Bearer {key}"),
            path,
            etag: "none".to_owned(),
            uses: 0,
        }
    }

    fn again(&mut self, api: &Served<'_>) -> u16 {
        let headers = [
            ("Authorization", &*self.bearer),
            ("If-None-Match", &*self.etag),
        ];
        let reply = api.answer(&format!("/v1/{}", self.path), &headers);
        if reply.status == 200 {
            self.uses = reply.json()["totals"]["service_uses"].as_u64().unwrap_or(0);
            self.etag = reply.header("etag").expect("there is one").to_owned();
        }
        reply.status
    }
}

/// Sends a use and waits until it is in the ledger.
fn use_of(api: &Served<'_>, ente: &str, id: &str, day: &str) {
    let event = format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://test","id":"{id}","time":"{day}T10:00:00+01:00","data":{{"ente":"{ente}","portal":"servizi-online","service":"visure-anagrafiche","kind":"plain","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"}}}}}}"#
    );
    let before = api.place.records_processed();
    api.place.produce([(id, event.as_bytes())]);
    eventually("the event is processed", || {
        api.place.records_processed() == before + 1
    });
}

fn files(api: &Served<'_>, key: &str) {
    let tidy = api.with_key(key, "categories?period=2017&format=csv");
    assert!(
        tidy.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/csv"))
    );
    assert!(
        tidy.body
            .starts_with("category,category_name_it,category_name_en,service_uses,")
    );
    let excel = api.with_key(
        key,
        "categories?period=2017&compare=2015&format=csv-excel-italy",
    );
    assert!(excel.body.starts_with("\u{feff}Codice categoria;"));
    assert!(
        excel.body.contains(";Note\r\n") && excel.body.contains("Variazione %: n.d."),
        "{}",
        excel.body
    );
    let bearer = format!("Bearer {key}");
    let accepted = api.ask(
        "/v1/categories",
        &[("Authorization", &bearer), ("Accept", "text/csv")],
    );
    assert!(accepted.body.starts_with("category,"));
    let neither = api.ask(
        "/v1/categories",
        &[("Authorization", &bearer), ("Accept", "image/png")],
    );
    assert_eq!(neither.status, 406);
}

pub fn keys_reach_their_enti_and_nothing_else(engines: &Engines) {
    let api = served(engines, "api_keys");
    let admin = api.key(&["admin", "--role", "admin"]);
    let writer = api.key(&["writer", "--role", "writer"]);
    let enti: Vec<String> = api.data(&admin, "enti?period=2016")["data"]
        .as_array()
        .into_iter()
        .flatten()
        .take(4)
        .filter_map(|row| Some(row["ente"].as_str()?.to_owned()))
        .collect();
    let keys: BTreeMap<&str, String> = enti
        .iter()
        .map(|ente| (ente.as_str(), api.key(&[ente, "--ente", ente])))
        .collect();
    for resource in RESOURCES {
        assert_eq!(api.with_key(&admin, resource).status, 200, "{resource}");
        assert_eq!(api.with_key(&writer, resource).status, 403, "{resource}");
        assert_eq!(api.with_key("nonsense", resource).status, 401, "{resource}");
        let mark = if resource.contains('?') { "&" } else { "?" };
        for (own, key) in &keys {
            for ente in &enti {
                let reply = api.with_key(key, &format!("{resource}{mark}ente={ente}"));
                let expected = if ente == own { 200 } else { 403 };
                assert_eq!(
                    reply.status, expected,
                    "{own} {ente} {resource}: {}",
                    reply.body
                );
            }
            // Without a filter the answer covers the ente of the key.
            let scoped = api.with_key(key, resource);
            assert_eq!(scoped.status, 200, "{resource}");
            if !matches!(resource, "live" | "catalogue?period=2016") {
                let filtered = api.with_key(&admin, &format!("{resource}{mark}ente={own}"));
                assert_eq!(
                    scoped.json()["data"],
                    filtered.json()["data"],
                    "{own} {resource}"
                );
                assert_eq!(
                    scoped.json()["totals"],
                    filtered.json()["totals"],
                    "{own} {resource}"
                );
            }
            for other in enti.iter().filter(|ente| ente != own) {
                let named = format!("\"{other}\"");
                assert!(
                    !scoped.body.contains(&named),
                    "{own} sees {other} in {resource}"
                );
            }
        }
    }
    assert_eq!(
        api.ask("/v1/years", &[]).body,
        r#"{"months":[],"years":[]}"#
    );
    for year in ["2016", "2017"] {
        assert_eq!(api.ask(&format!("/v1/enti?period={year}"), &[]).status, 401);
        api.place.run(&["close-year", year]);
        eventually("a closed year is public", || {
            api.ask(&format!("/v1/enti?period={year}"), &[]).status == 200
        });
    }
    without_a_key(&api, &admin);
    // A key in the query string is rejected.
    let in_address = api.ask(&format!("/v1/usage?period=2016&key={admin}"), &[]);
    assert_eq!(in_address.status, 400, "{}", in_address.body);
    // The running service rejects a revoked key.
    let id = &keys[enti[0].as_str()][10..18];
    api.place.run(&["keys", "revoke", id]);
    eventually("the revoked key is refused", || {
        api.with_key(&keys[enti[0].as_str()], "enti").status == 401
    });
    let held = api.place.run(&["keys", "log", "--verify"]);
    assert!(held.contains("11 entries verified"), "{held}");
    let log = std::fs::read_to_string(api.place.folder.join("serve.log")).expect("there is one");
    assert!(
        !log.contains(&admin[20..60]) && !log.contains("127.0.0.1:5"),
        "{log}"
    );
}

fn without_a_key(api: &Served<'_>, admin: &str) {
    let years = api.ask("/v1/years", &[]);
    assert_eq!(
        (years.status, &*years.body),
        (200, r#"{"months":[],"years":[2016,2017]}"#)
    );
    assert_eq!(years.header("cache-control"), Some("public, no-cache"));
    let etag = years.header("etag").expect("there is one").to_owned();
    let same = api.ask("/v1/years", &[("If-None-Match", &etag)]);
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    for (path, status) in [
        ("categories?period=2016", 200),
        ("enti?period=2016", 200),
        ("matrix?period=2016&by_kind=true", 200),
        ("bands?period=2016", 200),
        ("catalogue?period=2016", 200),
        ("register?period=2016&ente=c_d612", 200),
        ("usage?period=2016", 200),
        ("usage?period=2016&group=weekday,hour&measure=accesses", 200),
        ("enti?period=2016&search=a&order=-service_uses&limit=3", 200),
        ("usage?period=2016&group=login", 401),
        ("usage?period=2016&group=ente,service", 401),
        ("usage?period=2016&group=device,hour&measure=accesses", 401),
        ("usage?period=2016&measure=users", 401),
        ("usage?period=2016&group=year", 200),
        ("usage?period=2016&group=year&measure=users", 401),
        ("usage?period=2016&group=year&measure=events", 401),
        ("top-services?period=2016", 200),
        ("variations?period=2017", 200),
        ("variations?period=2017&ente=c_d612", 401),
        ("hours?period=2016", 200),
        ("devices?period=2016&trend=month", 200),
        ("devices?period=2016&trend=day", 401),
        ("logins?period=2016", 401),
        ("offered-versus-used?period=2016", 401),
        ("live", 401),
        ("categories?period=2016-05", 401),
        ("categories?period=2016&ente=c_d612", 200),
        ("categories?period=2016&count=all", 401),
        ("matrix?period=2016&compare=2017", 200),
        ("matrix?period=2016&compare=2017-05", 401),
    ] {
        let reply = api.answer(&format!("/v1/{path}"), &[]);
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
    }
    // Published figures are correct, and small ones are suppressed.
    let open = api.ask("/v1/matrix?period=2016&limit=10000", &[]).json();
    let known = api.data(admin, "matrix?period=2016&limit=10000");
    let known = known["data"].as_array().expect("rows");
    let mut hidden = 0;
    // Public rows are sorted by label, the others by figure.
    for shown in open["data"].as_array().into_iter().flatten() {
        let of_shown = |row: &&Value| ["ente", "category"].iter().all(|by| row[*by] == shown[*by]);
        assert!(shown["ente"].is_string() && shown["category"].is_string());
        let true_row = known.iter().find(of_shown).expect("it is known, too");
        match shown["service_uses"].as_u64() {
            Some(count) => {
                assert_eq!(Some(count), true_row["service_uses"].as_u64());
                assert!(count >= 3, "{shown}");
            }
            None => {
                assert_eq!(shown["notes"]["service_uses"], "suppressed");
                hidden += 1;
            }
        }
    }
    assert!(hidden > 0, "the thinned years have small cells");
}

pub fn every_request_is_answered_or_explained(engines: &Engines) {
    let api = served(engines, "api_fuzz");
    let key = api.key(&["all"]);
    for (path, parameter) in [
        ("usage?group=colour", "group"),
        ("usage?group=ente,ente", "group"),
        ("usage?measure=x", "measure"),
        ("usage?period=2017-13", "period"),
        ("usage?period=2018..2017", "period"),
        ("usage?compare=never", "compare"),
        ("usage?count=some", "count"),
        ("usage?order=ente", "order"),
        ("usage?search=-", "search"),
        ("usage?limit=0", "limit"),
        ("usage?cursor=x", "cursor"),
        ("usage?device=toaster", "device"),
        ("usage?hour=24", "hour"),
        ("usage?format=xml", "format"),
        ("usage?nothing=1", "nothing"),
        ("usage?group=day&compare=before", "compare"),
        ("live?minutes=0", "minutes"),
        ("variations?state=new", "state"),
    ] {
        let reply = api.with_key(&key, path);
        let problem = reply.json();
        assert_eq!(
            (reply.status, &problem["parameter"]),
            (400, &Value::from(parameter)),
            "{path}: {problem}"
        );
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        let says = problem["allowed"].is_array()
            || problem["minimum"].is_number()
            || problem["maximum"].is_number()
            || parameter == "cursor";
        assert!(says, "{path}: {problem}");
    }
    codes_and_names(&api, &key);
    other_sites(&api, &key);
    let before = api.place.count("SELECT count() FROM usage_events");
    injections(&api, &key);
    fuzz(&api, &key);
    assert_eq!(api.place.count("SELECT count() FROM usage_events"), before);
    assert_eq!(api.ask("/status", &[]).status, 200);
    let contract = api.ask("/openapi.json", &[]).json();
    assert_eq!(contract["openapi"], "3.1.0");
    let address = format!("http://{}", api.address);
    assert_eq!(contract["servers"][0]["url"], *address);
    assert_eq!(
        contract["info"]["contact"]["url"],
        format!("{address}/docs")
    );
    assert_eq!(api.ask("/docs", &[]).status, 200);
}

/// A name stands for its code. A code that nobody knows is refused, with the one that may be meant.
fn codes_and_names(api: &Served<'_>, key: &str) {
    let uses = |path: &str| api.data(key, path)["totals"]["service_uses"].clone();
    let by_code = uses("usage?period=2017&ente=c_d612");
    assert!(by_code.as_u64() > Some(0));
    assert_eq!(uses("usage?period=2017&ente=firenze"), by_code);
    assert_eq!(uses("usage?period=2017&ente=c_d612&ente=Firenze"), by_code);
    assert_eq!(uses("usage?period=2017&country=MT"), 0);
    for (path, suggestion) in [
        ("usage?period=2017&ente=c_d621", "c_d612"),
        ("enti?period=2017&ente=Firenz", "Firenze"),
        ("usage?period=2017&category=tribut", "tributi"),
        ("usage?period=2017&portal=servizi-onlin", "servizi-online"),
        ("usage?period=2017&country=it", "IT"),
        ("usage?period=2017&device=desktp", "desktop"),
        ("usage?perid=2017", "period"),
    ] {
        let reply = api.with_key(key, path);
        assert_eq!(reply.status, 400, "{path}: {}", reply.body);
        assert_eq!(reply.json()["suggestion"], suggestion, "{path}");
        assert!(reply.header("ratelimit-remaining").is_some());
    }
    // A key of one ente learns no more of others than the public register says.
    let own = api.key(&["own", "--ente", "c_d612"]);
    for (path, status) in [
        ("usage?period=2017&ente=c_d612", 200),
        ("usage?period=2017&ente=c_l838", 403),
        ("usage?period=2017&ente=nobody", 400),
        ("usage?period=2017&service=nothing", 400),
    ] {
        assert_eq!(api.with_key(&own, path).status, status, "{path}");
    }
}

/// Scripts of other sites may read answers to requests without a key.
fn other_sites(api: &Served<'_>, key: &str) {
    let page = ("Origin", "https://www.comune.example.it");
    for path in [
        "/v1/years",
        "/v1/enti?period=1999",
        "/openapi.json",
        "/open-data",
        "/v1/nothing",
    ] {
        let reply = api.ask(path, &[page]);
        let allowed = reply.header("access-control-allow-origin");
        assert_eq!(allowed, Some("*"), "{path} {}", reply.status);
    }
    let metrics = api.ask("/metrics", &[page]);
    assert_eq!(metrics.header("access-control-allow-origin"), None);
    let bearer = format!("Bearer {key}");
    let reply = api.ask("/v1/enti?period=2017", &[page, ("Authorization", &bearer)]);
    assert_eq!(
        (reply.status, reply.header("access-control-allow-origin")),
        (200, None)
    );
}

/// Texts that look like SQL match nothing or are rejected.
fn injections(api: &Served<'_>, key: &str) {
    let all = api.data(key, "usage?period=2017&group=ente")["totals"]["service_uses"].clone();
    assert!(all.as_u64() > Some(0));
    for attack in [
        "'",
        "') OR 1=1 --",
        "\\",
        "\\') OR 1=1 --",
        "x'; DROP TABLE usage_events; --",
        "{first:Int32}",
        "\t",
        "\n",
        "']) OR 1=1 --",
        "a\\'b",
        "?",
        "${x}",
        "\u{0}",
        "%",
        "'||'",
        "/*",
        "\u{1f600}",
    ] {
        for name in ["ente", "service", "category", "portal", "country"] {
            let path = format!("usage?period=2017&group=ente&{name}={}", escaped(attack));
            let reply = api.with_key(key, &path);
            assert!(matches!(reply.status, 200 | 400), "{path}: {}", reply.body);
            if reply.status == 200 {
                assert_eq!(reply.json()["totals"]["service_uses"], 0, "{path}");
            }
        }
    }
}

fn fuzz(api: &Served<'_>, key: &str) {
    let names = prop::sample::select(vec![
        "group", "measure", "period", "compare", "count", "order", "limit", "cursor", "format",
        "ente", "category", "service", "device", "hour", "day", "month", "year", "minutes",
        "trend", "state", "by_kind", "x",
    ]);
    let values = prop_oneof![
        prop::sample::select(vec![
            "2017",
            "2016-02",
            "2016-02-29",
            "2015..2018",
            "year-before",
            "before",
            "ente",
            "category,kind",
            "day,ente",
            "hour",
            "users",
            "accesses",
            "-users",
            "all",
            "1",
            "r5",
            "csv",
            "csv-excel-italy",
            "firenze",
            "desktop,tablet",
            "true",
            "none",
            "BROKEN",
            "",
        ])
        .prop_map(str::to_owned),
        ".{0,24}",
        "[0-9.,:'\\\\-]{0,16}",
    ];
    let pairs = prop::collection::vec((names, values), 0..5);
    let resources = prop::sample::select(RESOURCES.to_vec());
    let mut runner = TestRunner::new(Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&(resources, pairs), |(resource, pairs)| {
        let resource = resource.split('?').next().unwrap_or_default();
        let query: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let path = format!("{resource}?{}", query.join("&"));
        let reply = api.with_key(key, &path);
        prop_assert!(
            matches!(reply.status, 200 | 400),
            "{}: {} {}",
            path,
            reply.status,
            reply.body
        );
        if reply.status == 400 {
            prop_assert!(
                reply.json()["parameter"].is_string(),
                "{}: {}",
                path,
                reply.body
            );
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
