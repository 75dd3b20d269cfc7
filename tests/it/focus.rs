//! Recomputes the printed tables of 2017 from events. The expected figures come from the CSV files
//! of the source, not from this file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use affluenza_register::{Ente, EnteKind, Register};
use serde_json::Value;

use crate::printed::{self, Printed};
use crate::support::{Engines, Place, source, stderr};
use crate::tagged::Told;

const FIGURES: &str = "crates/simulator/figures/focus-2017";

pub fn tables_equal_the_printed_ones(engines: &Engines) {
    let (place, printed) = engines.demo();
    for engine in ["kafka", "clickhouse"] {
        let folder = place.folder.join("data").join(engine);
        assert!(!folder.exists(), "{engine} was not started");
    }
    assert_focus_2017(printed);
    assert_eq!(
        place.run(&["report", "--year", "2017", "--format", "json"]),
        printed,
        "the same from stored data"
    );
    let italian = place.run(&[
        "report", "--year", "2017", "--lang", "it", "--format", "text",
    ]);
    let total: u64 = csv("usage_2017_by_ente.csv")
        .iter()
        .map(|row| row["service_uses"].parse::<u64>().expect("a count"))
        .sum();
    assert!(italian.contains(&grouped(total, '.')), "{italian}");
    let english = place.run(&[
        "report", "--year", "2017", "--lang", "en", "--format", "text",
    ]);
    assert!(english.contains(&grouped(total, ',')), "{english}");
    assert!(
        place.count("SELECT count() FROM enti") > 0,
        "analysts join names"
    );
    check_views(&place);
    check_printed(&place);
}

/// `make up ONCE=1`, with its own engines and folder. A second run finds the years loaded.
pub fn one_command_runs_everything(engines: &Engines) {
    let place = engines.place("one_command");
    let mut command = crate::support::program(&["up", "--demo", "--once", "--format", "json"]);
    command.env("AFFLUENZA_DATA", place.folder.join("data"));
    let first = command.output().expect("the program runs");
    assert!(first.status.success(), "{}", stderr(&first));
    let second = command.output().expect("the program runs");
    let said = stderr(&second);
    assert!(said.contains("2017: loaded before, seal 2"), "{said}");
    assert_eq!(first.stdout, second.stdout, "{said}");
    assert_focus_2017(&String::from_utf8(first.stdout).expect("it prints text"));
}

/// Reads the printed page and workbook back. Printing twice yields the same bytes.
fn check_printed(place: &Place<'_>) {
    let register = std::fs::read_to_string(source("deploy/register.toml"));
    let register = Register::parse(&register.expect("the register is there"));
    let register = register.expect("the register is right");
    let print = |name: &str| {
        let file = place.folder.join(name);
        let name = file.to_str().expect("a plain path");
        place.run(&["report", "--year", "2017", "--lang", "it", "--output", name]);
        file
    };
    check_sources(place);
    printed::assert_focus_2017(&Printed::html(&print("2017.html")), &register);
    printed::assert_focus_2017(&Printed::xlsx(&print("2017.xlsx")), &register);
    let pdf = print("2017.pdf");
    printed::assert_focus_2017(&Printed::pdf(&pdf), &register);
    printed::assert_well_told(&pdf, "it");
    let slides = place.folder.join("slides.pdf");
    let name = slides.to_str().expect("a plain path");
    let slides_of = ["report", "--year", "2017", "--lang", "it"];
    place.run(&[&slides_of[..], &["--format", "slides", "--output", name]].concat());
    printed::assert_slides(&slides);
    assert_eq!(Printed::pdf(&slides).uses(), Printed::pdf(&pdf).uses());
    for format in ["html", "pdf", "xlsx", "csv"] {
        let [one, other] = ["one", "other"]
            .map(|name| std::fs::read(print(&format!("{name}.{format}"))).expect("it was written"));
        assert!(one == other, "{format}: byte by byte");
    }
    check_enti_alone(place, &register);
    crate::everybody::check(place, &register);
}

/// Imports figures of other sources once, takes one back, and reports errors in them.
fn check_sources(place: &Place<'_>) {
    let folder = source("deploy/figures");
    let folder = folder.to_str().expect("a plain path");
    // The demo has imported the examples.
    for kind in ["identity-credentials", "portfolio", "active-services"] {
        let file = format!("{folder}/{kind}.toml");
        let told = place.run(&["import", "figures", &file]);
        assert!(told.contains("nothing has changed since import"), "{told}");
    }
    for kind in ["help-desk", "availability"] {
        let file = source("crates/report/fixtures").join(format!("{kind}.toml"));
        let file = file.to_str().expect("a plain path");
        let announced = place.run(&["import", "figures", "--dry-run", file]);
        let told = place.run(&["import", "figures", file]);
        assert!(told.contains("rows from Invented for tests"), "{told}");
        assert_eq!(announced, told);
    }
    let list = place.run(&["import", "figures", "--list"]);
    let used = list.lines().filter(|line| line.ends_with("used for 2017"));
    assert!(used.count() > 6, "{list}");
    // An import that is taken back is not used.
    let removed = list.lines().last().expect("there are imports");
    let number = removed
        .strip_prefix("import ")
        .and_then(|rest| rest.split(':').next());
    let number = number.expect("a line begins with the number");
    place.run(&["import", "figures", "--remove", number]);
    let list = place.run(&["import", "figures", "--list"]);
    assert!(!list.contains(removed), "{list}");
    let file = source("crates/report/fixtures/availability.toml");
    place.run(&["import", "figures", file.to_str().expect("a plain path")]);
    let check = ["check-data", "--figures", folder, "--lang", "it"];
    let output = place.command(&check).output().expect("the program runs");
    assert!(!output.status.success(), "there is something wrong");
    let told = String::from_utf8(output.stdout).expect("it prints text");
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "deployments_2017.csv: Fiesole: le prenotazioni (10) superano il totale (9).",
            "printed_changes.csv: Allarmi delle sonde: da 9.299 a 16.208 la variazione è +74%, non +43%.",
        ]
    );
    // The demo closed the year before these imports.
    let cause = "figures of other sources";
    place.run(&["close-year", "2017", "--restate", cause]);
    let check = ["check-data", "--year", "2017", "--lang", "it"];
    let output = place.command(&check).output().expect("the program runs");
    assert!(!output.status.success(), "there is something wrong");
    let told = String::from_utf8(output.stdout).expect("it prints text");
    assert!(
        told.contains("Fiesole: le prenotazioni (10) superano il totale (9)."),
        "{told}"
    );
}

/// The reports of single enti add up to the report of all.
fn check_enti_alone(place: &Place<'_>, register: &Register) {
    let every = |format: &str| {
        let folder = place.folder.join(format!("enti-{format}"));
        let name = folder.to_str().expect("a plain path");
        let report = ["report", "--year", "2017", "--every-ente"];
        let form = ["--lang", "it", "--format", format, "--output", name];
        place.run(&[&report[..], &form[..]].concat());
        folder
    };
    let [json, pages, books, papers] = ["json", "html", "xlsx", "pdf"].map(every);
    let mut sums = [0; 3];
    for ente in register.enti() {
        let file = |folder: &Path, ending| folder.join(format!("{}.{ending}", ente.file_stem()));
        let own = std::fs::read(file(&json, "json")).expect("it was written");
        let own: Value = serde_json::from_slice(&own).expect("it is JSON");
        let printed = [
            Printed::html(&file(&pages, "html")),
            Printed::xlsx(&file(&books, "xlsx")),
            Printed::pdf(&file(&papers, "pdf")),
        ];
        for printed in printed {
            let uses = count(&own["totals"]["service_uses"]);
            assert_eq!(printed.uses().unwrap_or(0), uses, "{}", ente.code());
        }
        let pages = Told::read(&file(&papers, "pdf")).pages;
        let most = if count(&own["totals"]["service_uses"]) > 0 {
            2
        } else {
            1
        };
        assert!(pages <= most, "{}: {pages} pages", ente.code());
        assert_eq!(text(&own["ente"]["ente"]), ente.code());
        assert!(!own["warnings"].to_string().contains("disagree"), "{own}");
        sums[0] += count(&own["totals"]["service_uses"]);
        sums[1] += own["totals"]["compared_service_uses"].as_u64().unwrap_or(0);
        sums[2] += count(&own["offered"]["total"]);
    }
    let total = |year: &str| -> u64 {
        let rows = csv("usage_by_category.csv");
        let rows = rows.iter().filter(|row| row["year"] == year);
        rows.map(|row| row["service_uses"].parse::<u64>().expect("a count"))
            .sum()
    };
    assert_eq!(sums[..2], [total("2017"), total("2016")]);
    let offered = csv("deployments_2017.csv");
    let offered = offered
        .iter()
        .map(|row| row["total"].parse::<u64>().expect("a count"));
    assert_eq!(sums[2], offered.sum::<u64>());
}

/// The views for analysts agree with the printed tables.
fn check_views(place: &Place<'_>) {
    for row in csv("usage_by_category.csv") {
        let (year, category) = (&row["year"], &row["category"]);
        let query = |column: &str| {
            format!(
                "SELECT sum({column}) FROM usage_by_category WHERE year = {year} AND category = '{category}'"
            )
        };
        assert_eq!(
            place.count(&query("service_uses")).to_string(),
            row["service_uses"],
            "{year} {category}"
        );
        if !row["of_which_payments"].is_empty() {
            assert_eq!(
                place.count(&query("of_which_payments")).to_string(),
                row["of_which_payments"]
            );
            assert_eq!(
                place.count(&query("of_which_bookings")).to_string(),
                row["of_which_bookings"]
            );
        }
    }
}

/// Compares every figure of a JSON report of 2017 with the source.
pub fn assert_focus_2017(json: &str) {
    let report: Value = serde_json::from_str(json).expect("the report is JSON");
    let register = Register::parse(
        &std::fs::read_to_string(source("deploy/register.toml")).expect("the register is there"),
    )
    .expect("the register is right");
    check_categories(&report);
    check_enti(&report, &register);
    check_offered(&report, &register);
    check_accesses(&report);
}

fn check_categories(report: &Value) {
    let rows: BTreeMap<&str, &Value> = list(&report["categories"])
        .iter()
        .map(|row| (text(&row["category"]), row))
        .collect();
    let mut totals: BTreeMap<String, u64> = BTreeMap::new();
    let figures = csv("usage_by_category.csv");
    assert!(figures.len() >= 24, "both years are there");
    for row in &figures {
        let found = rows[row["category"].as_str()];
        let uses: u64 = row["service_uses"].parse().expect("a count");
        *totals.entry(row["year"].clone()).or_default() += uses;
        if row["year"] == "2016" {
            assert_eq!(count(&found["compared_service_uses"]), uses, "{row:?}");
            assert_eq!(
                found["change_percent"].is_null(),
                uses == 0,
                "no growth on nothing: {row:?}"
            );
        } else {
            let payments: u64 = row["of_which_payments"].parse().expect("a count");
            let bookings: u64 = row["of_which_bookings"].parse().expect("a count");
            assert_eq!(count(&found["service_uses"]), uses, "{row:?}");
            assert_eq!(count(&found["payments"]), payments, "{row:?}");
            assert_eq!(count(&found["bookings"]), bookings, "{row:?}");
            assert_eq!(
                count(&found["plain"]),
                uses - payments - bookings,
                "{row:?}"
            );
        }
    }
    assert_eq!(
        rows.len(),
        csv("categories.csv").len(),
        "no category besides the twelve"
    );
    let (before, now) = (totals["2016"], totals["2017"]);
    assert_eq!(count(&report["totals"]["service_uses"]), now);
    assert_eq!(count(&report["totals"]["compared_service_uses"]), before);
    let growth = (now as f64 / before as f64 - 1.0) * 100.0;
    assert!((number(&report["totals"]["growth_percent"]) - growth).abs() < 1e-9);
}

fn check_enti(report: &Value, register: &Register) {
    let mut by_ente: BTreeMap<String, u64> = BTreeMap::new();
    let mut by_cell: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut bookings: BTreeMap<String, u64> = BTreeMap::new();
    for row in csv("usage_2017_by_ente.csv") {
        let ente = register
            .ente(&row["ente"])
            .expect("every ente is in the register")
            .code()
            .to_owned();
        let uses: u64 = row["service_uses"].parse().expect("a count");
        *by_ente.entry(ente.clone()).or_default() += uses;
        if row["kind"] == "booking" {
            *bookings.entry(ente).or_default() += uses;
        } else {
            *by_cell.entry((ente, row["category"].clone())).or_default() += uses;
        }
    }
    let found: BTreeMap<&str, &Value> = list(&report["usage"]["enti"])
        .iter()
        .map(|row| (text(&row["ente"]), row))
        .collect();
    assert_eq!(found.len(), by_ente.len(), "the same enti");
    for (ente, uses) in &by_ente {
        let row = found[ente.as_str()];
        assert_eq!(count(&row["total"]), *uses, "{ente}");
        // The source has bookings without a category, which are a row's total minus its cells.
        let cells = row["by_category"].as_object().expect("cells by category");
        let mut beside = 0;
        for (category, cell) in cells {
            let known = by_cell
                .get(&(ente.clone(), category.clone()))
                .copied()
                .unwrap_or(0);
            beside += count(cell)
                .checked_sub(known)
                .unwrap_or_else(|| panic!("{ente} {category}: {cell} < {known}"));
        }
        assert_eq!(
            beside,
            bookings.get(ente).copied().unwrap_or(0),
            "{ente}: bookings"
        );
    }
}

fn check_offered(report: &Value, register: &Register) {
    let offered = &report["offered"];
    let found: BTreeMap<&str, &Value> = list(&offered["enti"])
        .iter()
        .map(|row| (text(&row["ente"]), row))
        .collect();
    let mut total = 0;
    for row in csv("deployments_2017.csv") {
        let ente = register
            .ente(&row["ente"])
            .expect("every ente is in the register")
            .code();
        total += row["total"].parse::<u64>().expect("a count");
        assert_eq!(
            count(&found[ente]["total"]).to_string(),
            row["total"],
            "{row:?}"
        );
        for category in csv("categories.csv") {
            let code = &category["category"];
            let cell = found[ente]["by_category"].get(code).map_or(0, count);
            assert_eq!(cell.to_string(), row[code], "{ente} {code}");
        }
    }
    assert_eq!(count(&offered["total"]), total);
    // The source prints 171 services and their 332 deployments.
    assert_eq!((count(&report["services_offered"]), total), (171, 332));
}

fn check_accesses(report: &Value) {
    let printed: BTreeMap<String, f64> = csv("access_2017.csv")
        .into_iter()
        .map(|row| {
            (
                row["measure"].clone(),
                row["value"].parse().expect("a number"),
            )
        })
        .collect();
    let devices: BTreeMap<&str, &Value> = list(&report["devices"]["classes"])
        .iter()
        .map(|row| (text(&row["device"]), row))
        .collect();
    let desktop = number(&devices["desktop"]["share_percent"]);
    let mobile = number(&report["devices"]["smartphone_and_tablet"]["share_percent"]);
    // The source prints the shares of the area of services.
    let of_services = list(&report["portals"]["kinds"]);
    let of_services = of_services
        .iter()
        .find(|row| row["portal_kind"] == "services");
    let of_services = &of_services.expect("areas of services have visits")["devices"];
    let services_desktop = number(&of_services["classes"][0]["share_percent"]);
    let services_mobile = number(&of_services["smartphone_and_tablet"]["share_percent"]);
    for share in [desktop, services_desktop] {
        assert_eq!(share.round(), printed["desktop_share_percent"], "{share}");
    }
    for share in [mobile, services_mobile] {
        let expected = printed["smartphone_and_tablet_share_percent"];
        assert_eq!(share.round(), expected, "{share}");
    }
    check_civic_networks(report);
    let bands: BTreeMap<&str, &Value> = list(&report["hours"]["bands"])
        .iter()
        .map(|row| (text(&row["band"]), row))
        .collect();
    for (band, measure) in [
        ("night", "mean_users_per_hour_00_08"),
        ("office", "mean_users_per_hour_08_18"),
        ("evening", "mean_users_per_hour_18_24"),
    ] {
        let mean = number(&bands[band]["users_per_hour_mean"]);
        assert!((mean - printed[measure]).abs() < 1e-9, "{band}: {mean}");
    }
    let off_hours = number(&report["hours"]["off_hours_share_percent"]);
    assert_eq!(
        off_hours.round(),
        printed["accesses_18_to_08_share_percent"],
        "{off_hours}"
    );
    assert!(
        count(&report["devices"]["bot_accesses"]) > 0,
        "bots are counted, and apart"
    );
}

/// Enti whose civic network the portfolio has online have visitors of it, and all with residents a
/// ratio; others have none.
fn check_civic_networks(report: &Value) {
    let names: Vec<String> = csv_in("deploy/figures", "portfolio_2017.csv")
        .into_iter()
        .filter(|row| row["rete_civica"] == "online")
        .map(|row| row["ente"].clone())
        .collect();
    let register = std::fs::read_to_string(source("deploy/register.toml"));
    let register = Register::parse(&register.expect("the register is there"));
    let register = register.expect("the register is right");
    let online = names.iter().map(|name| register.ente(name));
    let online: Vec<&Ente> = online.collect::<Option<_>>().expect("all are registered");
    let rows = list(&report["portals"]["enti"]).iter();
    let visited = rows.filter(|row| count(&row["civic_accesses"]) > 0);
    let visited: BTreeSet<&str> = visited
        .inspect(|row| assert!(number(&row["civic_accesses_per_resident"]) > 0.0, "{row}"))
        .map(|row| text(&row["ente"]))
        .collect();
    assert_eq!(visited, online.iter().map(|ente| ente.code()).collect());
    let comuni = online.iter().filter(|ente| ente.kind() == EnteKind::Comune);
    let residents = comuni.map(|ente| ente.population().expect("Istat has it").inhabitants);
    assert_eq!(
        count(&report["portals"]["civic_residents"]),
        residents.map(u64::from).sum::<u64>(),
        "unions add nobody"
    );
}

/// Rows of a CSV file of the source, by column.
pub fn csv(name: &str) -> Vec<BTreeMap<String, String>> {
    csv_in(FIGURES, name)
}

fn csv_in(folder: &str, name: &str) -> Vec<BTreeMap<String, String>> {
    let path = source(folder).join(name);
    let mut reader =
        csv::Reader::from_path(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn count(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// Formats a number in groups of three digits.
fn grouped(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}
