//! The public edition of the report: it shows what the open data of the year show, and nothing
//! that they hide.

use std::collections::BTreeMap;
use std::path::Path;

use affluenza_register::Register;
use serde_json::Value;

use crate::printed::Printed;
use crate::support::Place;

/// Names of an ente and a category, and a kind; empty for all of them.
type Labels = [String; 3];

/// Tables that are of no person's use.
const OF_NOBODY: [&str; 7] = [
    "offered",
    "credentials",
    "help-desk-requests",
    "alerts",
    "availability-months",
    "portfolio-enti",
    "checks",
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
    let tables = tables(&document);
    no_small_count_is_told(&tables);
    as_open_as_the_open_data(place, register, tables["usage-by-kind"]);
    for printed in [
        Printed::html(&print("html")),
        Printed::xlsx(&print("xlsx")),
        Printed::pdf(&print("pdf")),
    ] {
        same_as_the_document(&printed, tables["usage-by-kind"]);
    }
    for (arguments, said) in [
        (&["--ente", "firenze"][..], "cannot be used with"),
        (&["--count", "all"], "counts people only"),
        (&["--year", "9998"], "9998 is not over"),
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

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

/// The tables by name.
fn tables(document: &Value) -> BTreeMap<String, &Value> {
    let blocks = list(&document["sections"])
        .iter()
        .flat_map(|section| list(&section["blocks"]));
    let tables = blocks.filter_map(|block| block.get("table"));
    tables
        .map(|table| (table["id"].as_str().expect("a name").to_owned(), table))
        .collect()
}

fn no_small_count_is_told(tables: &BTreeMap<String, &Value>) {
    let mut hidden = 0;
    for (name, table) in tables {
        if OF_NOBODY.contains(&name.as_str()) {
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
                assert!(count != 1 && count != 2, "{name} tells a small count");
            }
        }
    }
    assert!(hidden > 30, "{hidden} cells are hidden");
}

/// Every cell of the report's table of ente, category and kind is that of the open data.
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
        let [ente, category] = [0, 1].map(|at| row[at].as_str().expect("a name").to_owned());
        for (at, kind) in [(2, "plain"), (3, "payment"), (4, "booking")] {
            let labels = [ente.clone(), category.clone(), kind.to_owned()];
            let told = row[at]["value"].as_u64();
            let published = open.remove(&labels).unwrap_or(Some(0));
            assert_eq!(told, published, "{labels:?}");
        }
    }
    assert!(open.is_empty(), "not in the report: {open:?}");
}

/// Cells of the open data; `None` for a hidden one.
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

/// A page, a workbook or a PDF tells the same.
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
