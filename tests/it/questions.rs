//! Queries of analysts: all queries of the cookbook and of the Grafana dashboards, on the years
//! 2016 and 2017, compared with the yearly report.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::http::Access;
use crate::support::{Engines, Place, source, stderr};

const PATIENCE: Duration = Duration::from_secs(60);

pub fn each_has_an_answer_that_the_report_agrees_with(engines: &Engines) {
    let (place, report) = engines.demo();
    let report: Value = serde_json::from_str(report).expect("the report is JSON");
    place.run(&["register", "apply"]);
    let access = Access {
        user: engines.clickhouse.reader().to_owned(),
        password: engines.clickhouse.reader_password().to_owned(),
        ..place.access()
    };
    let answers = cookbook(&access);
    check_index(&answers);
    agree(&answers, &report);
    grafana(&access);
    bad_years_have_no_rows(&access);
    open_data(&place, &report);
}

type Rows = Vec<Value>;

fn cookbook(access: &Access) -> BTreeMap<String, Rows> {
    let mut answers = BTreeMap::new();
    for entry in std::fs::read_dir(source("deploy/cookbook")).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_none_or(|end| end != "sql") {
            continue;
        }
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a plain name");
        let query = std::fs::read_to_string(&path).expect("it can be read");
        let titles = query
            .lines()
            .take_while(|line| line.starts_with("-- "))
            .count();
        assert!(
            titles >= 2,
            "{name} has an Italian title, then what it is in English"
        );
        let rows = ask(access, &query, 2017);
        assert!(!rows.is_empty(), "{name} has no answer");
        answers.insert(name.to_owned(), rows);
    }
    answers
}

fn ask(access: &Access, query: &str, year: u16) -> Rows {
    let more = format!(
        "&param_year={year}&default_format=JSONEachRow&output_format_json_quote_64bit_integers=0"
    );
    let answer = access.post(&more, query.as_bytes(), PATIENCE);
    let answer = answer.unwrap_or_else(|error| panic!("{query}\n{error}"));
    answer
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row in JSON"))
        .collect()
}

fn check_index(answers: &BTreeMap<String, Rows>) {
    let index = std::fs::read_to_string(source("deploy/cookbook/README.md")).expect("an index");
    for name in answers.keys() {
        let query = std::fs::read_to_string(source(&format!("deploy/cookbook/{name}.sql")));
        let query = query.expect("it can be read");
        let title = query
            .lines()
            .next()
            .expect("a title")
            .trim_start_matches("-- ");
        let line = format!("| {title} | [`{name}.sql`]({name}.sql) |");
        assert!(index.contains(&line), "the index lacks {line}");
    }
    assert_eq!(index.matches(".sql)").count(), answers.len());
}

/// Compares the figures that both a query and the report contain.
fn agree(answers: &BTreeMap<String, Rows>, report: &Value) {
    let total = report["totals"]["service_uses"].as_u64().expect("a total");
    assert_eq!(total, 749_866);
    for (name, column) in [
        ("totals", "service_uses"),
        ("categories", "uses"),
        ("enti", "uses"),
        ("enti-by-name", "uses"),
        ("matrix", "uses"),
        ("months", "uses"),
        ("working-days", "uses"),
        ("desk", "uses"),
        ("logins", "uses"),
    ] {
        let sum: u64 = answers[name].iter().map(|row| count(row, column)).sum();
        assert_eq!(sum, total, "{name}");
    }
    same(
        &answers["categories"],
        ("category", "uses"),
        &report["categories"],
        ("category", "service_uses"),
    );
    same(
        &answers["categories"],
        ("category", "uses_before"),
        &report["categories"],
        ("category", "compared_service_uses"),
    );
    same(
        &answers["enti"],
        ("ente", "uses"),
        &report["usage"]["enti"],
        ("ente", "total"),
    );
    same(
        &answers["devices"],
        ("device", "accesses"),
        &report["devices"]["classes"],
        ("device", "accesses"),
    );
    let bands = by_name(&report["hours"]["bands"], "band", "users_per_hour_mean");
    for row in &answers["users-per-hour"] {
        let band = row["band"].as_str().expect("a band");
        let mean = row["users_per_hour"].as_f64().expect("a mean");
        assert!(
            (mean - bands[band]).abs() <= 0.05,
            "{row}: the report says {}",
            bands[band]
        );
    }
    let offered: u64 = answers["offered-and-used"]
        .iter()
        .map(|row| count(row, "offered"))
        .sum();
    assert_eq!(offered, 332);
    assert_eq!(answers["months"].len(), 12);
    assert_eq!(answers["weekdays-and-hours"].len(), 168);
    assert_eq!(answers["accounting"][0]["balance"], 0);
}

/// Checks that the answer has exactly the rows of the report that have a figure, with equal
/// figures.
fn same(rows: &Rows, (name, figure): (&str, &str), report: &Value, (other, theirs): (&str, &str)) {
    let shown: BTreeMap<String, f64> = rows
        .iter()
        .map(|row| {
            (
                row[name].as_str().expect("a name").to_owned(),
                row[figure].as_f64().expect("a figure"),
            )
        })
        .filter(|(_, figure)| *figure > 0.0)
        .collect();
    let mut printed = by_name(report, other, theirs);
    printed.retain(|name, figure| *figure > 0.0 && name != "bot");
    assert_eq!(shown, printed, "{name} {figure}");
}

fn by_name(rows: &Value, name: &str, figure: &str) -> BTreeMap<String, f64> {
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("a list of {name}: {rows}"));
    rows.iter()
        .map(|row| {
            let figure = row[figure]
                .as_f64()
                .unwrap_or_else(|| panic!("{figure} in {row}"));
            (row[name].as_str().expect("a name").to_owned(), figure)
        })
        .collect()
}

fn count(row: &Value, column: &str) -> u64 {
    row[column]
        .as_u64()
        .unwrap_or_else(|| panic!("{column} in {row}"))
}

fn grafana(access: &Access) {
    for (name, from, to) in [
        ("usage", "2017-01-01 00:00:00", "2017-12-31 23:59:59"),
        // Data that were written today, with a margin for clock differences.
        ("operation", "2020-01-01 00:00:00", "2100-01-01 00:00:00"),
    ] {
        let text = std::fs::read_to_string(source(&format!("deploy/grafana/{name}.json")));
        let dashboard: Value = serde_json::from_str(&text.expect("it is there")).expect("JSON");
        let variables = dashboard["templating"]["list"]
            .as_array()
            .expect("variables");
        let enti = variables
            .iter()
            .find(|variable| variable["name"] == "ente")
            .and_then(|variable| variable["query"].as_str())
            .expect("a choice of enti");
        let enti: Vec<String> = ask(access, enti, 0)
            .iter()
            .map(|row| format!("'{}'", row["ente"].as_str().expect("a code")))
            .collect();
        assert!(enti.len() > 20);
        for panel in dashboard["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().expect("targets") {
                let query = target["rawSql"].as_str().expect("a query");
                let query = expand(query, &enti.join(","), from, to);
                let rows = ask(access, &query, 0);
                assert!(!rows.is_empty(), "{name}, {}: nothing", panel["title"]);
                if panel["title"] == "Utilizzi" {
                    assert_eq!(rows[0]["uses"], 749_866);
                }
                if panel["title"] == "Saldo" {
                    assert_eq!(rows[0]["balance"], 0);
                }
            }
        }
    }
}

/// Expands the macros of the plugin and the variables of Grafana.
fn expand(query: &str, enti: &str, from: &str, to: &str) -> String {
    let mut query = query.replace("${ente:singlequote}", enti);
    for (name, filter) in [
        (
            "$__dateFilter(",
            "COLUMN >= toDate('FROM') AND COLUMN <= toDate('TO')",
        ),
        (
            "$__timeFilter(",
            "COLUMN >= toDateTime('FROM') AND COLUMN <= toDateTime('TO')",
        ),
        (
            "$__timeInterval(",
            "toStartOfInterval(toDateTime(COLUMN), INTERVAL 60 second)",
        ),
    ] {
        while let Some(start) = query.find(name) {
            let end = start + query[start..].find(')').expect("it is closed");
            let column = query[start + name.len()..end].to_owned();
            let filter = filter
                .replace("COLUMN", &column)
                .replace("FROM", from)
                .replace("TO", to);
            query.replace_range(start..=end, &filter);
        }
    }
    assert!(!query.contains('$'), "nothing is left to expand: {query}");
    query
}

/// A year without data yields no rows and no error.
fn bad_years_have_no_rows(access: &Access) {
    let query = std::fs::read_to_string(source("deploy/cookbook/matrix.sql")).expect("it is there");
    assert!(ask(access, &query, 1999).is_empty());
}

/// Published figures are correct, and small ones are suppressed.
fn open_data(place: &Place<'_>, report: &Value) {
    let out = place.folder.join("open-data");
    let out = out.to_str().expect("a plain path");
    let publish = |year: &str, settings: &[(&str, &str)]| {
        let mut command = place.command(&["open-data", "--year", year, "--out", out]);
        command
            .envs(settings.iter().copied())
            .output()
            .expect("the program runs")
    };
    let settings = [
        ("AFFLUENZA__OPEN_DATA__PUBLISHER", "Ente di prova"),
        ("AFFLUENZA__OPEN_DATA__PUBLISHER_IPA", "c_prova"),
        ("AFFLUENZA__OPEN_DATA__CONTACT", "dati@example.it"),
        (
            "AFFLUENZA__OPEN_DATA__BASE_URL",
            "https://dati.example.it/affluenza",
        ),
    ];
    for (year, settings, complaint) in [
        (
            "2017",
            &settings[1..],
            "a catalogue must name it: open_data.publisher\n",
        ),
        ("2100", &settings[..], "2100 is not closed"),
        ("1999", &settings[..], "1999 is not closed"),
    ] {
        let output = publish(year, settings);
        assert!(
            !output.status.success() && stderr(&output).contains(complaint),
            "{}",
            stderr(&output)
        );
    }
    let output = publish("2017", &settings);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = String::from_utf8(output.stdout).expect("names of files");
    assert_eq!(printed.lines().count(), 9);

    let cells = by_name(&report["usage"]["enti"], "ente", "total");
    let mut shown: BTreeMap<String, u64> = BTreeMap::new();
    let mut hidden = 0;
    let path = format!("{out}/utilizzi-per-ente-2017.csv");
    for row in csv::Reader::from_path(path)
        .expect("it is there")
        .deserialize()
    {
        let (ente, _, _, uses, status): (String, String, String, Option<u64>, String) =
            row.expect("a row");
        assert!(uses.is_none_or(|uses| uses > 2), "{ente}: {uses:?}");
        assert_eq!(uses.is_none(), status == "suppressed");
        hidden += u64::from(uses.is_none());
        *shown.entry(ente).or_default() += uses.unwrap_or(0);
    }
    assert!(hidden > 0, "2017 has small counts");
    let complete = shown
        .iter()
        .filter(|(ente, uses)| cells[*ente] == **uses as f64)
        .count();
    assert!(
        complete >= 15,
        "{complete} of {} enti are complete",
        shown.len()
    );
    let true_to = |(ente, uses): (&String, &u64)| *uses as f64 <= cells[ente];
    assert!(
        shown.iter().all(true_to),
        "no more than there was: {shown:?}"
    );
}
