//! An attacker combines all public figures of a year, from every source.

#[path = "../../crates/disclosure/tests/attack/mod.rs"]
mod attack;

use std::collections::{BTreeMap, BTreeSet};

use affluenza_register::Register;
use serde_json::Value;

use self::attack::{Attacker, Labels, Parent};
use crate::api::{Served, served};
use crate::everybody::told;
use crate::support::{Engines, eventually, source};

const K: u64 = 3;
/// Dimensions of service uses; `hour` also holds bands.
const OF_USES: [&str; 6] = ["ente", "category", "kind", "service", "month", "hour"];
/// Dimensions of accesses; `hour` also holds bands.
const OF_ACCESSES: [&str; 5] = ["portal_kind", "device", "month", "weekday", "hour"];

const KINDS: [(&str, &str); 3] = [
    ("of_which_plain", "plain"),
    ("of_which_payments", "payment"),
    ("of_which_bookings", "booking"),
];

type Cells<const N: usize> = BTreeMap<Labels<N>, Option<u64>>;

/// Cells that the attacker has collected.
struct Collected<const N: usize> {
    names: [&'static str; N],
    figure: &'static str,
    cells: Cells<N>,
}

impl<const N: usize> Collected<N> {
    /// Adds a figure, which must be equal, or suppressed, in all sources.
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

    /// Adds rows and totals of a public response.
    fn take_answer(&mut self, answer: &Value, path: &str) {
        self.take_answer_of(answer, path, None);
    }

    /// Adds rows and totals of a public response about one month.
    fn take_answer_of(&mut self, answer: &Value, path: &str, month: Option<&str>) {
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
            let text = |name: &str| match (name, month) {
                ("month", Some(month)) => Some(month.to_owned()),
                _ => Some(row[name].as_str()?.to_owned()),
            };
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

    /// Adds rows of a file of the open data.
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

    /// Runs the attack and returns the number of small cells, all of which must be suppressed.
    fn attack(
        &self,
        parents: [Parent; N],
        rows: &[([String; N], u64)],
        details: &[[String; N]],
    ) -> usize {
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
        let mut small = 0;
        for (labels, shown) in &self.cells {
            let count = truth(labels);
            match shown {
                Some(shown) => assert!(
                    *shown == count && count >= K,
                    "{labels:?}: {shown}, {count}"
                ),
                None => small += usize::from(count < K),
            }
        }
        let attacker = Attacker {
            cells: &self.cells,
            parents,
            details,
            tables: &[&[0, 1, 2], &[1, 3]],
        };
        let unknowns = attacker.unknowns().expect("it adds up");
        let recovered = unknowns.recovered(K).expect("it adds up");
        let hidden = self.cells.values().filter(|shown| shown.is_none());
        let hidden = hidden.count();
        eprintln!(
            "{}: {small} small of {hidden} hidden, {} recovered",
            self.figure,
            recovered.len()
        );
        assert!(recovered.is_empty(), "{recovered:?}");
        small
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

pub fn no_person_is_found_in_public_data(engines: &Engines) {
    let api = served(engines, "public");
    nothing_of_an_open_year_is_public(&api);
    let months = closed_months(&api);
    api.place.run(&["close-year", "2016"]);
    let told = api.place.run(&["close-year", "2017"]);
    // With a few secrets no protection of the year and its months together is found.
    let has_edition = !told.contains("no new public edition");
    let mut restating = api
        .place
        .command(&["close-month", "2017-01", "--restate", "x"]);
    let refused = restating.output().expect("it runs");
    let said = crate::support::stderr(&refused);
    assert!(
        said.contains("2017 is closed, and its months with it"),
        "{said}"
    );
    let newest = if has_edition { "2017" } else { "2016" };
    eventually("the service knows the closed years", || {
        let newest = api.ask(&format!("/v1/categories?period={newest}"), &[]);
        newest.status == 200
    });
    if has_edition {
        attack_all_of(&api, "2016", 16, KnownCells::default());
        attack_all_of(&api, "2017", 16, months);
        return;
    }
    eprintln!("2017 has no edition");
    assert_eq!(api.ask("/v1/categories?period=2017", &[]).status, 401);
    // Three datasets are of the months of 2017.
    attack_all_of(&api, "2016", 11, KnownCells::default());
    attack_cells(
        &api,
        "2017",
        &of_uses(months.uses),
        &of_accesses(months.accesses),
    );
}

fn of_uses(cells: Cells<6>) -> Collected<6> {
    Collected {
        names: OF_USES,
        figure: "service_uses",
        cells,
    }
}

fn of_accesses(cells: Cells<5>) -> Collected<5> {
    Collected {
        names: OF_ACCESSES,
        figure: "accesses",
        cells,
    }
}

/// Cells that were public before a year was closed.
#[derive(Default)]
struct KnownCells {
    uses: Cells<6>,
    accesses: Cells<5>,
}

/// Closes some months of 2017, and collects what is then public of them.
fn closed_months(api: &Served<'_>) -> KnownCells {
    let (mut uses, mut accesses) = (of_uses(Cells::new()), of_accesses(Cells::new()));
    let key = api.key(&["all"]);
    api.place.run(&["close-month", "2017-01"]);
    let previews = ["2017-02", "2017-04"].map(|month| {
        let hidden = hidden_in_preview(api, &key, month);
        api.place.run(&["close-month", month]);
        (month, hidden)
    });
    let months = || api.ask("/v1/years", &[]).json()["months"].clone();
    eventually("the service knows the closed months", || {
        months() == serde_json::json!(["2017-01", "2017-02", "2017-04"])
    });
    for (month, hidden) in previews {
        let enti = api.ask(&format!("/v1/enti?period={month}&limit=10000"), &[]);
        let rows = enti.json()["data"].clone();
        let rows = rows.as_array().expect("rows").iter();
        let rows = rows.filter(|row| row["service_uses"].is_null());
        let rows = rows.filter_map(|row| row["ente"].as_str());
        let found: BTreeSet<String> = rows.map(str::to_owned).collect();
        assert_eq!(found, hidden, "{month}");
    }
    closed_periods_have_no_preview(api, &key);
    a_closed_month_has_findings(api);
    let mut files = 0;
    let catalogue = api.ask("/open-data", &[]).json();
    for dataset in catalogue["dcat:dataset"].as_array().expect("datasets") {
        let address = &dataset["dcat:distribution"][0]["dcat:downloadURL"]["@id"];
        let name = address
            .as_str()
            .and_then(|address| address.rsplit('/').next());
        let name = name.expect("an address");
        let file = api.ask(&format!("/open-data/{name}"), &[]);
        assert_eq!(file.status, 200, "{name}: {}", file.body);
        uses.take_file(&file.body, name);
        accesses.take_file(&file.body, name);
        let end = &dataset["dct:temporal"]["schema:endDate"]["@value"];
        assert_eq!(end, "2017-02-28", "March is not closed");
        files += 1;
    }
    assert_eq!(files, 3);
    let public = |path: &str| {
        let reply = api.ask(&format!("/v1/{path}"), &[]);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    };
    for month in ["2017-01", "2017-02", "2017-04"] {
        for path in ["enti?limit=10000", "usage?group=ente,month&limit=10000"] {
            let path = format!("{path}&period={month}");
            uses.take_answer_of(&public(&path), &path, Some(month));
        }
        for path in [
            "devices?limit=1000",
            "usage?group=device&measure=accesses",
            "usage?group=portal_kind,device&measure=accesses&limit=1000",
        ] {
            let path = format!("{path}&period={month}");
            accesses.take_answer_of(&public(&path), &path, Some(month));
        }
    }
    assert!(uses.cells.len() > 30 && accesses.cells.len() > 6);
    // The quarter lacks March, and months have no categories.
    for (path, said) in [
        ("enti?period=2017-01..2017-03", "2017-03 is not closed"),
        ("categories?period=2017-01", "this breakdown needs a key"),
        ("hours?period=2017-01", "a period other than a whole year"),
    ] {
        let reply = api.ask(&format!("/v1/{path}"), &[]);
        assert_eq!(reply.status, 401, "{path}: {}", reply.body);
        assert!(reply.body.contains(said), "{path}: {}", reply.body);
    }
    let both = public("enti?period=2017-01..2017-02&limit=10000");
    let total = [None, None, None, None, Some("2017-01".to_owned()), None];
    assert!(both["totals"]["service_uses"].as_u64() > uses.cells[&total]);
    other_sites_show_closed_months(api, uses.cells[&total]);
    KnownCells {
        uses: uses.cells,
        accesses: accesses.cells,
    }
}

/// Returns the enti whose uses of a month would be hidden. The edition is computed with the secret that
/// the closed months of its year have, so closing hides the same cells.
fn hidden_in_preview(api: &Served<'_>, key: &str, month: &str) -> BTreeSet<String> {
    let mut preview = Value::Null;
    eventually("the preview is ready", || {
        let reply = api.with_key(key, &format!("preview?period={month}"));
        preview = reply.json();
        let is_ready = preview["state"] == "ready";
        assert_eq!(reply.status, if is_ready { 200 } else { 202 }, "{preview}");
        assert_eq!(preview["edition"].is_object(), is_ready, "{preview}");
        is_ready
    });
    let cells = preview["edition"]["hidden_cells"].as_array();
    let cells = cells.expect("cells").iter();
    let enti = cells.filter_map(|cell| cell["labels"]["ente"].as_str());
    enti.map(str::to_owned).collect()
}

fn closed_periods_have_no_preview(api: &Served<'_>, key: &str) {
    let own = api.key(&["own", "--ente", "c_d612"]);
    for (key, period, status) in [(key, "2017-01", 400), (&*own, "2017-03", 403)] {
        let reply = api.with_key(key, &format!("preview?period={period}"));
        assert_eq!(reply.status, status, "{period}: {}", reply.body);
    }
    let reply = api.ask("/v1/preview?period=2017-03", &[]);
    assert_eq!(reply.status, 401, "{}", reply.body);
}

/// Without a key, the findings of a closed month rest on its edition.
fn a_closed_month_has_findings(api: &Served<'_>) {
    let findings = |month: u8| {
        let question = format!("findings?year=2017%26month={month}%26lang=en");
        let reply = api.ask(&format!("/pages/answers?ask={question}"), &[]);
        let sentences = reply.json()[0]["body"]["sentences"].clone();
        sentences.as_array().expect("sentences").len()
    };
    assert_eq!([1, 2, 4].map(findings).map(|found| found > 0), [true; 3]);
    assert_eq!(findings(3), 0, "March is not closed");
}

/// Figures in other sites are those of the public month: its total.
fn other_sites_show_closed_months(api: &Served<'_>, total: Option<u64>) {
    let badge = api.ask("/embed/all/badge.svg?period=2017-01&lang=it", &[]);
    let unit = ">utilizzi dei servizi digitali in gennaio 2017<";
    assert!(badge.body.contains(unit), "{}", badge.body);
    let table = api.ask("/embed/all/table.html?period=2017-01&lang=en", &[]);
    let text = table.body.replace(',', "");
    let total = total.expect("the total of a month is public");
    let row = format!("January 2017</th><td class=\"number\">{total}</td>");
    assert!(text.contains(&row), "{}", table.body);
    assert!(!text.contains("tfoot"), "{}", table.body);
    for period in ["2017-03", "2017-01..2017-02", "2017-01-05"] {
        let reply = api.ask(&format!("/embed/all/badge.svg?period={period}"), &[]);
        assert_eq!(reply.status, 401, "{period}: {}", reply.body);
    }
}

fn nothing_of_an_open_year_is_public(api: &Served<'_>) {
    for path in [
        "categories?period=2017",
        "usage?period=2016&group=ente,month",
        "hours?period=2017",
        "variations?period=2017",
    ] {
        let reply = api.ask(&format!("/v1/{path}"), &[]);
        assert_eq!(reply.status, 401, "{path}: {}", reply.body);
        assert!(reply.body.contains("is not closed"), "{}", reply.body);
    }
    let catalogue = api.ask("/open-data", &[]).json();
    assert_eq!(catalogue["dcat:dataset"].as_array().map(Vec::len), Some(0));
    let report = ["report", "--public", "--year", "2017"];
    let output = api.place.command(&report).output().expect("it runs");
    let said = crate::support::stderr(&output);
    assert!(
        !output.status.success() && said.contains("2017 is not closed"),
        "{said}"
    );
}

/// Offered services and their kinds, which the portals and the catalogue show to all.
fn details(api: &Served<'_>, year: &str, used: &[([String; 6], u64)]) -> Vec<[String; 6]> {
    let register = std::fs::read_to_string(source("deploy/register.toml"));
    let register = Register::parse(&register.expect("the register is there"));
    let register = register.expect("the register is right");
    let part = |of: [&str; 4]| -> [String; 6] {
        std::array::from_fn(|at| of.get(at).copied().unwrap_or_default().to_owned())
    };
    let catalogue = api
        .ask(&format!("/v1/catalogue?period={year}&limit=10000"), &[])
        .json();
    let mut details = Vec::new();
    for row in catalogue["data"].as_array().expect("services") {
        let text = |name: &str| row[name].as_str().expect("a text");
        for offer in register.deployments() {
            if offer.service.code() == text("service") {
                assert_eq!(offer.service.nature().to_string(), text("nature"));
                let of = [offer.ente.code(), text("category"), offer.nature.into()];
                details.push(part([of[0], of[1], of[2], text("service")]));
            }
        }
    }
    let used = used
        .iter()
        .map(|(row, _)| [&row[0], &row[1], &row[2], &row[3]]);
    details.extend(used.map(|row| part(row.map(String::as_str))));
    details.sort_unstable();
    details.dedup();
    details
}

fn attack_all_of(api: &Served<'_>, year: &str, datasets: usize, known: KnownCells) {
    let (mut uses, mut accesses) = (of_uses(known.uses), of_accesses(known.accesses));
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
        let path = format!("{resource}period={year}&limit=10000");
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
        let path = format!("usage?period={year}&limit=10000&group={group}");
        uses.take_answer(&public(&path), &path);
    }
    for group in [
        "device",
        "month",
        "device,month",
        "portal_kind",
        "portal_kind,device",
        "portal_kind,month",
        "portal_kind,device,month",
        "weekday",
        "hour",
        "band",
        "weekday,hour",
        "weekday,band",
    ] {
        let path = format!("usage?period={year}&limit=10000&measure=accesses&group={group}");
        accesses.take_answer(&public(&path), &path);
    }
    for resource in ["devices?", "devices?trend=month&", "hours?", "bands?"] {
        let path = format!("{resource}period={year}");
        accesses.take_answer(&public(&path), &path);
    }
    for resource in ["hours?", "bands?"] {
        let path = format!("{resource}period={year}");
        uses.take_answer(&public(&path), &path);
    }
    files(api, year, datasets, |name, text| {
        uses.take_file(text, name);
        accesses.take_file(text, name);
    });
    let (told_uses, told_accesses) = told(&api.place, year);
    let counted = [told_uses.len(), told_accesses.len()];
    // No portal sent accesses in 2016, so its report has no count of them.
    let accesses_min = if year == "2016" { 0 } else { 40 };
    assert!(
        counted[0] > 300 && counted[1] >= accesses_min,
        "{counted:?}"
    );
    for told in told_uses {
        uses.add(&|name| told.of.get(name).cloned(), told.count, "the report");
    }
    for told in told_accesses {
        accesses.add(&|name| told.of.get(name).cloned(), told.count, "the report");
    }
    let found = (uses.cells.len(), accesses.cells.len());
    // Only the uses of 2016 were printed.
    let least = if year == "2016" { 0 } else { 150 };
    assert!(found.0 > 300 && found.1 >= least, "{found:?} cells");
    let small = attack_cells(api, year, &uses, &accesses);
    assert!(small > 10, "there is something to find: {small}");
}

/// Attacks cells of a year. Returns the number of small uses.
fn attack_cells(
    api: &Served<'_>,
    year: &str,
    uses: &Collected<6>,
    accesses: &Collected<5>,
) -> usize {
    let completed = "activity = 'service-use' AND outcome = 'completed'";
    let truth = rows(api, year, &OF_USES, completed);
    let details = details(api, year, &truth);
    let small = uses.attack([flat, flat, flat, flat, flat, band_of], &truth, &details);
    let truth = rows(api, year, &OF_ACCESSES, "resource = 'page'");
    accesses.attack([flat, flat, flat, flat, band_of], &truth, &[]);
    small
}

/// Reads every file of a year that the catalogue lists among `all`.
fn files(api: &Served<'_>, year: &str, all: usize, mut take: impl FnMut(&str, &str)) {
    let reply = api.ask("/open-data", &[]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/ld+json"));
    let catalogue = reply.json();
    let datasets = catalogue["dcat:dataset"].as_array().expect("datasets");
    assert_eq!(datasets.len(), all);
    let mut taken = 0;
    for dataset in datasets {
        let address = &dataset["dcat:distribution"][0]["dcat:downloadURL"]["@id"];
        let name = address
            .as_str()
            .and_then(|address| address.rsplit('/').next());
        let name = name.expect("an address").to_owned();
        if !name.ends_with(&format!("-{year}.csv")) {
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
    assert_eq!(taken, 8);
    let missing = api.ask("/open-data/utilizzi-1999.csv", &[]);
    assert_eq!(missing.status, 404, "{}", missing.body);
}

/// The true figures of people in a year, by these dimensions.
fn rows<const N: usize>(
    api: &Served<'_>,
    year: &str,
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
        "SELECT {}, count() FROM usage_events WHERE toYear(local_date) = {year} AND device NOT IN ('bot', 'no-agent') AND {condition} GROUP BY ALL",
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
