//! The public edition of the report publishes the same cells as the open data of the year, and none
//! that they suppress.

use std::collections::BTreeMap;
use std::path::Path;

use affluenza_register::Register;
use serde_json::Value;

use crate::printed::Printed;
use crate::support::Place;

/// Names of ente and category, and kind; empty for all.
type Labels = [String; 3];

/// Tables without personal usage data.
const TABLES_WITHOUT_PERSONS: [&str; 8] = [
    "offered",
    "credentials",
    "help-desk-requests",
    "alerts",
    "availability-months",
    "active-services-enti",
    "checks",
    "peer-offers",
];

pub fn check(place: &Place<'_>, register: &Register) {
    let print = |ending: &str| {
        let file = place.folder.join(format!("public.{ending}"));
        let name = file.to_str().expect("a plain path");
        place.run(&[
            "report", "--year", "2017", "--lang", "it", "--public", "--output", name,
        ]);
        file
    };
    let text = std::fs::read_to_string(print("json")).expect("it was written");
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    assert!(
        !text.contains("Dati caricati da"),
        "it names members of staff"
    );
    let tables = tables(&document);
    let hidden = no_small_count_is_told(&tables);
    assert!(hidden > 30, "{hidden} cells are hidden");
    as_open_as_the_open_data(place, register, tables["usage-by-kind"]);
    for printed in [
        Printed::html(&print("html")),
        Printed::xlsx(&print("xlsx")),
        Printed::pdf(&print("pdf")),
    ] {
        same_as_the_document(&printed, tables["usage-by-kind"]);
    }
    enti_show_what_the_whole_shows(place, register);
    for (arguments, said) in [
        (&["--count", "all"][..], "counts people only"),
        (&["--year", "1998"], "1998 is not closed"),
        (&["--classified", "now"], "as it was closed"),
    ] {
        let year = ["report", "--public", "--year", "2017"];
        let keep = if arguments[0] == "--year" { 2 } else { 4 };
        let output = place.command(&[&year[..keep], arguments].concat()).output();
        let output = output.expect("the program runs");
        assert!(!output.status.success(), "{arguments:?}");
        let told = crate::support::stderr(&output);
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}

/// The public reports of single enti show the counts of the report of all, and no others.
fn enti_show_what_the_whole_shows(place: &Place<'_>, register: &Register) {
    let folder = place.folder.join("public-enti");
    let name = folder.to_str().expect("a plain path");
    let year = ["report", "--public", "--year", "2017", "--lang", "it"];
    let every = ["--every-ente", "--format", "json", "--output", name];
    place.run(&[&year[..], &every[..]].concat());
    let (whole, _) = told(place, "2017");
    let mut seen = 0;
    for ente in register.enti() {
        let file = folder.join(format!("{}.json", ente.file_stem()));
        let text = std::fs::read_to_string(file).expect("it was written");
        let document: Value = serde_json::from_str(&text).expect("it is JSON");
        let tables = tables(&document);
        no_small_count_is_told(&tables);
        let rows = tables.get("categories").map(|table| list(&table["rows"]));
        for row in rows.into_iter().flatten() {
            let of = [("ente", ente.code()), ("category", code(&row[0]))];
            let own = told_of(of, &row[4]);
            let mut same = whole.iter().filter(|told| told.of == own.of);
            assert_eq!(
                same.next().map(|told| told.count),
                Some(own.count),
                "{of:?}"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} categories");
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

/// Tables by name.
fn tables(document: &Value) -> BTreeMap<String, &Value> {
    let blocks = list(&document["sections"])
        .iter()
        .flat_map(|section| list(&section["blocks"]));
    let tables = blocks.filter_map(|block| block.get("table"));
    tables
        .map(|table| (table["id"].as_str().expect("a name").to_owned(), table))
        .collect()
}

/// Returns the number of hidden cells.
fn no_small_count_is_told(tables: &BTreeMap<String, &Value>) -> usize {
    let mut hidden = 0;
    for (name, table) in tables {
        // Imported tables are about no persons either.
        if TABLES_WITHOUT_PERSONS.contains(&name.as_str()) || name.starts_with("figures-") {
            continue;
        }
        for cell in list(&table["rows"])
            .iter()
            .chain(list(&table["sums"]))
            .flat_map(list)
        {
            hidden += usize::from(cell["status"] == "suppressed");
            if cell["unit"] == "count" && cell["value"].as_u64().is_some() {
                let count = &cell["value"];
                assert!(count != 1 && count != 2, "{name} reveals a small count");
            }
        }
    }
    hidden
}

/// Compares every cell of the report's table of ente, category and kind with the open data.
fn as_open_as_the_open_data(place: &Place<'_>, register: &Register, table: &Value) {
    let folder = place.folder.join("open-data");
    let name = folder.to_str().expect("a plain path");
    let output = place
        .command(&["open-data", "--year", "2017", "--out", name])
        .envs([
            ("AFFLUENZA__OPEN_DATA__PUBLISHER", "Ente di prova"),
            ("AFFLUENZA__OPEN_DATA__PUBLISHER_IPA", "c_prova"),
            ("AFFLUENZA__OPEN_DATA__CONTACT", "dati@example.it"),
            ("AFFLUENZA__OPEN_DATA__BASE_URL", "https://dati.example.it"),
        ])
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{}",
        crate::support::stderr(&output)
    );
    let mut open = open_cells(
        &folder.join("utilizzi-per-ente-e-categoria-2017.csv"),
        register,
    );
    for row in list(&table["rows"]) {
        let [ente, category] =
            [0, 1].map(|at| row[at]["name"].as_str().expect("a name").to_owned());
        for (at, kind) in [(2, "plain"), (3, "payment"), (4, "booking")] {
            let labels = [ente.clone(), category.clone(), kind.to_owned()];
            let told = row[at]["value"].as_u64();
            let published = open.remove(&labels).unwrap_or(Some(0));
            assert_eq!(told, published, "{labels:?}");
        }
    }
    assert!(open.is_empty(), "not in the report: {open:?}");
}

/// Cells of the open data; `None` if suppressed.
fn open_cells(file: &Path, register: &Register) -> BTreeMap<Labels, Option<u64>> {
    let mut reader = csv::Reader::from_path(file).expect("it was written");
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    let cells = rows.map(|row| {
        let row = row.expect("a row");
        let ente = register.ente(&row["ente"]).expect("it is registered");
        let category = register.category(&row["category"]);
        let labels = [
            ente.name().to_owned(),
            category.expect("it is registered").name_it().to_owned(),
            row["kind"].clone(),
        ];
        (labels, row["service_uses"].parse().ok())
    });
    cells.collect()
}

/// Checks that a page, a workbook or a PDF shows the same as the document.
fn same_as_the_document(printed: &Printed, table: &Value) {
    let rows = printed.rows(table["caption"].as_str().expect("a text"));
    assert_eq!(rows.len(), list(&table["rows"]).len());
    for (row, of_document) in rows.iter().zip(list(&table["rows"])) {
        for at in 2..6 {
            let cell = &of_document[at];
            match cell["value"].as_u64() {
                None => assert_eq!(row[at], "*", "{row:?}"),
                Some(count) => {
                    assert_eq!(crate::printed::number(&row[at]), count as f64, "{row:?}");
                }
            }
        }
    }
}

/// A count in the public report, `None` if suppressed. Its dimensions have the names and codes of
/// the API and the open data.
pub struct Told {
    pub of: BTreeMap<&'static str, String>,
    pub count: Option<u64>,
}

/// All counts of service uses, and all of accesses, in the Italian public report of a year.
pub fn told(place: &Place<'_>, year: &str) -> (Vec<Told>, Vec<Told>) {
    let file = place.folder.join("told.json");
    let name = file.to_str().expect("a plain path");
    place.run(&[
        "report", "--year", year, "--lang", "it", "--public", "--output", name,
    ]);
    let text = std::fs::read_to_string(file).expect("it was written");
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    let tables = tables(&document);
    (uses(&tables, year), accesses(&tables, year))
}

const KINDS: [&str; 3] = ["plain", "payment", "booking"];

fn told_of<const N: usize>(of: [(&'static str, &str); N], cell: &Value) -> Told {
    let is_hidden = cell["status"] == "suppressed";
    assert!(is_hidden || cell["unit"] == "count", "{of:?}: {cell}");
    Told {
        of: of.map(|(name, code)| (name, code.to_owned())).into(),
        count: cell["value"].as_u64(),
    }
}

/// Returns the code of a name, or of the column of a category.
fn code(value: &Value) -> &str {
    let code = value.get("code").unwrap_or(&value["id"]);
    code.as_str().expect("a code")
}

fn uses(tables: &BTreeMap<String, &Value>, year: &str) -> Vec<Told> {
    let mut told = Vec::new();
    let rows = |table: &str| list(&tables[table]["rows"]).clone();
    for (row, kind) in rows("totals").iter().zip(KINDS) {
        told.push(told_of([("kind", kind)], &row[1]));
    }
    told.push(told_of([], &tables["totals"]["sums"][0][1]));
    for row in rows("categories") {
        let category = code(&row[0]);
        for (at, kind) in (1..).zip(KINDS) {
            told.push(told_of([("category", category), ("kind", kind)], &row[at]));
        }
        told.push(told_of([("category", category)], &row[4]));
    }
    let headings = list(&tables["usage"]["columns"]);
    for row in rows("usage") {
        let ente = code(&row[0]);
        let ends = headings.len() - 3;
        for (at, heading) in headings.iter().enumerate().take(ends).skip(1) {
            let category = code(heading);
            told.push(told_of([("ente", ente), ("category", category)], &row[at]));
        }
        told.push(told_of([("ente", ente)], &row[ends]));
        for (at, kind) in (ends + 1..).zip(&KINDS[1..]) {
            told.push(told_of([("ente", ente), ("kind", kind)], &row[at]));
        }
    }
    for row in rows("usage-by-kind") {
        let (ente, category) = (code(&row[0]), code(&row[1]));
        for (at, kind) in (2..).zip(KINDS) {
            let of = [("ente", ente), ("category", category), ("kind", kind)];
            told.push(told_of(of, &row[at]));
        }
        told.push(told_of([("ente", ente), ("category", category)], &row[5]));
    }
    // Changes need a closed previous year.
    let of_services = [
        ("variations", [0, 1], 2),
        ("service-changes", [0, 1], 2),
        ("top-services", [1, 0], 2),
    ];
    let of_services = of_services.into_iter();
    for (table, names, count) in of_services.filter(|(of, ..)| tables.contains_key(*of)) {
        for row in rows(table) {
            let category = code(&row[names[0]]);
            let service = code(&row[names[1]]);
            let of = [("category", category), ("service", service)];
            told.push(told_of(of, &row[count]));
        }
    }
    for (row, month) in rows("months").iter().zip(1..) {
        told.push(told_of(
            [("month", &*format!("{year}-{month:02}"))],
            &row[3],
        ));
    }
    told
}

fn accesses(tables: &BTreeMap<String, &Value>, year: &str) -> Vec<Told> {
    let mut told = Vec::new();
    if !tables.contains_key("devices") {
        // No portal sent accesses.
        return told;
    }
    let rows = |table: &str| list(&tables[table]["rows"]).clone();
    let devices = ["desktop", "smartphone", "tablet", "other"];
    for (row, device) in rows("devices").iter().zip(devices) {
        told.push(told_of([("device", device)], &row[1]));
    }
    told.push(told_of([], &tables["devices"]["sums"][0][1]));
    for (row, device) in rows("devices-services").iter().zip(devices) {
        let of = [("portal_kind", "services"), ("device", device)];
        told.push(told_of(of, &row[1]));
    }
    for (row, kind) in rows("portals").iter().zip(["civic", "services"]) {
        told.push(told_of([("portal_kind", kind)], &row[1]));
    }
    for (row, month) in rows("months").iter().zip(1..) {
        told.push(told_of(
            [("month", &*format!("{year}-{month:02}"))],
            &row[1],
        ));
    }
    for (row, weekday) in rows("weekdays").iter().zip(1..) {
        for hour in 0..24 {
            let [weekday, hour_of] = [format!("{weekday}"), format!("{hour:02}")];
            let of = [("weekday", &*weekday), ("hour", &*hour_of)];
            told.push(told_of(of, &row[hour + 1]));
        }
    }
    for row in rows("hours") {
        let hour = row[0].as_str().expect("an hour");
        told.push(told_of([("hour", hour)], &row[1]));
    }
    if tables.contains_key("bands") {
        for (row, band) in rows("bands").iter().zip(["night", "office", "evening"]) {
            told.push(told_of([("band", band)], &row[5]));
        }
    }
    told
}
