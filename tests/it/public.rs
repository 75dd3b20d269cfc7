//! Everything that is public of a year, from wherever it can be fetched, in the hands of one attacker.

#[expect(dead_code, reason = "tests of another crate need more of it")]
#[path = "../../crates/disclosure/tests/attack/mod.rs"]
mod attack;

use std::collections::BTreeMap;

use affluenza_register::Register;
use serde_json::Value;

use self::attack::{Attacker, Labels, Numbers, Parent};
use crate::api::{Served, served};
use crate::everybody::told;
use crate::support::{Engines, source};

const K: u64 = 3;
/// Small cells that are attacked: each takes two linear programmes.
const ATTACKED_MAX: usize = 60;

/// Ente, category, kind, service, month, hour or band.
const OF_USES: [&str; 6] = ["ente", "category", "kind", "service", "month", "hour"];
/// Device, month, weekday, hour or band.
const OF_ACCESSES: [&str; 4] = ["device", "month", "weekday", "hour"];

const KINDS: [(&str, &str); 3] = [
    ("of_which_plain", "plain"),
    ("of_which_payments", "payment"),
    ("of_which_bookings", "booking"),
];

type Cells<const N: usize> = BTreeMap<Labels<N>, Option<u64>>;

/// What the attacker has collected.
struct Collected<const N: usize> {
    names: [&'static str; N],
    figure: &'static str,
    cells: Cells<N>,
}

impl<const N: usize> Collected<N> {
    /// A figure that was found somewhere: it must be the same everywhere, or hidden everywhere.
    fn add(&mut self, row: &dyn Fn(&str) -> Option<String>, figure: Option<u64>, from: &str) {
        let labels = self.names.map(|name| match name {
            "hour" => match (row("hour"), row("band")) {
                (Some(hour), _) => Some(hour_label(&hour)),
                (None, band) => band,
            },
            name => row(name),
        });
        if figure == Some(0) {
            return;
        }
        let known = self.cells.insert(labels.clone(), figure);
        assert!(
            known.is_none_or(|known| known == figure),
            "{from}: {labels:?} is {figure:?} here and {known:?} elsewhere"
        );
    }

    /// Rows and totals of a public answer.
    fn take_answer(&mut self, answer: &Value, path: &str) {
        let figure = |row: &Value| {
            let found = &row[self.figure];
            assert!(
                found.is_u64() || row["notes"][self.figure] == "suppressed",
                "{path}: {row}"
            );
            found.as_u64()
        };
        let of_rows: Vec<(Value, Option<u64>)> = answer["data"]
            .as_array()
            .expect("there are rows")
            .iter()
            .map(|row| (row.clone(), figure(row)))
            .collect();
        let total = figure(&answer["totals"]);
        let totals = [(answer["totals"].clone(), total)];
        for (row, count) in of_rows.into_iter().chain(totals) {
            let text = |name: &str| Some(row[name].as_str()?.to_owned());
            self.add(&text, count, path);
            for (column, kind) in KINDS {
                if row.get(column).is_some() {
                    let with_kind = |name: &str| match name {
                        "kind" => Some(kind.to_owned()),
                        name => text(name),
                    };
                    self.add(&with_kind, row[column].as_u64(), path);
                }
            }
        }
    }

    /// Rows of a file of the open data.
    fn take_file(&mut self, text: &str, name: &str) {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().expect("a header").clone();
        let column = |name: &str| header.iter().position(|found| found == name);
        let Some(at) = column(self.figure) else {
            return;
        };
        for row in reader.records() {
            let row = row.expect("a row");
            let figure = row[at].parse().ok();
            assert_eq!(
                figure.is_none(),
                &row[at + 1] == "suppressed",
                "{name}: {row:?}"
            );
            let label = |name: &str| Some(row[column(name)?].to_owned());
            self.add(&label, figure, name);
        }
    }

    /// Returns how many small cells there are.
    fn attack(&self, parents: [Parent; N], rows: &[([String; N], u64)]) -> usize {
        let truth = |labels: &Labels<N>| -> u64 {
            let is_of = |row: &[String; N]| {
                (0..N).all(|at| {
                    labels[at].as_deref().is_none_or(|label| {
                        row[at] == label || parents[at](&row[at]).as_deref() == Some(label)
                    })
                })
            };
            rows.iter()
                .filter(|(row, _)| is_of(row))
                .map(|(_, count)| count)
                .sum()
        };
        let mut small = Vec::new();
        for (labels, shown) in &self.cells {
            let count = truth(labels);
            match shown {
                Some(shown) => assert!(
                    *shown == count && count >= K,
                    "{labels:?}: {shown}, {count}"
                ),
                None if count < K => small.push((labels.clone(), count)),
                None => {}
            }
        }
        let (count, step) = (small.len(), small.len().div_ceil(ATTACKED_MAX).max(1));
        let attacker = Attacker {
            cells: &self.cells,
            parents,
            least: 1,
            numbers: Numbers::Real,
        };
        attacker.attack(K, small.into_iter().step_by(step));
        count
    }
}

fn hour_label(hour: &str) -> String {
    let hour: u8 = hour.parse().expect("an hour");
    let band = match hour {
        0..8 => "night",
        8..18 => "office",
        _ => "evening",
    };
    format!("{band} {hour:02}")
}

fn flat(_: &str) -> Option<String> {
    None
}

fn band_of(label: &str) -> Option<String> {
    Some(label.split_once(' ')?.0.to_owned())
}

pub fn nobody_is_found_in_all_of_it(engines: &Engines) {
    let api = served(engines, "public");
    let mut uses = Collected {
        names: OF_USES,
        figure: "service_uses",
        cells: Cells::new(),
    };
    let mut accesses = Collected {
        names: OF_ACCESSES,
        figure: "accesses",
        cells: Cells::new(),
    };
    let public = |path: &str| {
        let reply = api.ask(&format!("/v1/{path}"), &[]);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    };
    for resource in [
        "categories?",
        "enti?",
        "matrix?by_kind=true&",
        "top-services?",
    ] {
        let path = format!("{resource}period=2017&limit=10000");
        uses.take_answer(&public(&path), &path);
    }
    for group in [
        "ente",
        "category",
        "kind",
        "ente,category",
        "ente,kind",
        "category,kind",
        "ente,category,kind",
        "service",
        "category,service",
        "month",
        "ente,month",
        "hour",
        "band",
    ] {
        let path = format!("usage?period=2017&limit=10000&group={group}");
        uses.take_answer(&public(&path), &path);
    }
    for group in [
        "device",
        "month",
        "device,month",
        "weekday",
        "hour",
        "band",
        "weekday,hour",
        "weekday,band",
    ] {
        let path = format!("usage?period=2017&limit=10000&measure=accesses&group={group}");
        accesses.take_answer(&public(&path), &path);
    }
    for path in [
        "devices?period=2017",
        "devices?period=2017&trend=month",
        "hours?period=2017",
        "bands?period=2017",
    ] {
        accesses.take_answer(&public(path), path);
    }
    for path in ["hours?period=2017", "bands?period=2017"] {
        uses.take_answer(&public(path), path);
    }
    files(&api, |name, text| {
        uses.take_file(text, name);
        accesses.take_file(text, name);
    });
    let register = std::fs::read_to_string(source("deploy/register.toml"));
    let register = Register::parse(&register.expect("the register is there"));
    let (of_uses, of_accesses) = told(&api.place, &register.expect("the register is right"));
    assert!(of_uses.len() > 300 && of_accesses.len() > 40);
    for told in of_uses {
        uses.add(&|name| told.of.get(name).cloned(), told.count, "the report");
    }
    for told in of_accesses {
        accesses.add(&|name| told.of.get(name).cloned(), told.count, "the report");
    }
    let found = (uses.cells.len(), accesses.cells.len());
    assert!(found.0 > 300 && found.1 > 150, "{found:?} cells");
    let small = uses.attack(
        [flat, flat, flat, flat, flat, band_of],
        &rows(
            &api,
            &OF_USES,
            "activity = 'service-use' AND outcome = 'completed'",
        ),
    );
    let fewer = accesses.attack(
        [flat, flat, flat, band_of],
        &rows(&api, &OF_ACCESSES, "resource = 'page'"),
    );
    assert!(small > 10, "there is something to find: {small}, {fewer}");
}

/// Every file of 2017 that the catalogue names.
fn files(api: &Served<'_>, mut take: impl FnMut(&str, &str)) {
    let reply = api.ask("/open-data", &[]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/ld+json"));
    let catalogue = reply.json();
    let datasets = catalogue["dcat:dataset"].as_array().expect("datasets");
    // Both years are over.
    assert_eq!(datasets.len(), 14);
    let mut taken = 0;
    for dataset in datasets {
        let address = &dataset["dcat:distribution"][0]["dcat:downloadURL"]["@id"];
        let name = address
            .as_str()
            .and_then(|address| address.rsplit('/').next());
        let name = name.expect("an address").to_owned();
        if !name.ends_with("-2017.csv") {
            continue;
        }
        let path = format!("/open-data/{name}");
        let reply = api.ask(&path, &[]);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        take(&name, &reply.body);
        taken += 1;
        let etag = reply.header("etag").expect("there is one").to_owned();
        let same = api.ask(&path, &[("If-None-Match", &etag)]);
        assert_eq!((same.status, same.body.as_str()), (304, ""));
    }
    assert_eq!(taken, 7);
    let missing = api.ask("/open-data/utilizzi-1999.csv", &[]);
    assert_eq!(missing.status, 404, "{}", missing.body);
}

/// What there really was of people in 2017, by these dimensions.
fn rows<const N: usize>(
    api: &Served<'_>,
    names: &[&str; N],
    condition: &str,
) -> Vec<([String; N], u64)> {
    let columns = names.map(|name| match name {
        "month" => "formatDateTime(local_date, '%Y-%m')",
        "weekday" => "toString(toDayOfWeek(local_date))",
        "hour" => "concat(toString(band), ' ', leftPad(toString(local_hour), 2, '0'))",
        name => name,
    });
    let query = format!(
        "SELECT {}, count() FROM usage_events WHERE toYear(local_date) = 2017 AND device != 'bot' AND {condition} GROUP BY ALL",
        columns.join(", ")
    );
    let found = api.place.access().rows(&query);
    found
        .into_iter()
        .map(|row| {
            let labels = std::array::from_fn(|at| row[at].clone());
            (labels, row[N].parse().expect("a count"))
        })
        .collect()
}
