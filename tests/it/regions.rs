//! A made-up region of a few hundred bodies: ClickHouse counts exactly what the simulator planned.

use std::collections::BTreeMap;

use crate::support::{Engines, Place};

const YEAR: &str = "2025";
/// Completed uses, of about 50,000 events.
const USES: &str = "20000";

/// Uses by month, ente, category, kind and service.
type Totals = BTreeMap<[String; 5], u64>;

pub fn totals_are_those_of_the_plan(engines: &Engines) {
    let place = engines.place("regions");
    let folder = place.folder.join("region").display().to_string();
    place.run(&[
        "simulate", "region", &folder, "--enti", "300", "--uses", USES, "--year", YEAR,
    ]);
    let config = std::fs::read_to_string(&place.config).expect("it is there");
    let config = format!("{config}\n[register]\nfile = \"{folder}/register.toml\"\n");
    std::fs::write(&place.config, config).expect("it can be written");
    place.run(&["migrate"]);
    let totals = place.folder.join("totals.csv").display().to_string();
    place.run(&[
        "simulate",
        "--figures",
        &folder,
        "--year",
        YEAR,
        "--totals",
        &totals,
    ]);
    place.run(&["consume", "--once"]);

    let planned = planned(&totals);
    assert_eq!(counted(&place), planned);
    assert_eq!(planned.values().sum::<u64>().to_string(), USES);
    let table = format!("{folder}/usage_{YEAR}_by_ente.csv");
    assert_eq!(by_ente(&planned), rows(&table, 3).collect());
}

/// Returns the records of a CSV file, each with its first fields as the key.
fn rows(file: &str, key: usize) -> impl Iterator<Item = (Vec<String>, u64)> {
    let reader = csv::Reader::from_path(file).expect("the file is there");
    reader.into_records().map(move |record| {
        let record = record.expect("it is well-formed");
        let fields = record.iter().take(key).map(str::to_owned).collect();
        (fields, record[key].parse().expect("a number"))
    })
}

fn planned(file: &str) -> Totals {
    let rows = rows(file, 5);
    rows.map(|(fields, uses)| (fields.try_into().expect("five fields"), uses))
        .collect()
}

/// Sums the plan by ente, category and kind, as the figures have them.
fn by_ente(planned: &Totals) -> BTreeMap<Vec<String>, u64> {
    let mut sums = BTreeMap::new();
    for ([_, ente, category, kind, _], uses) in planned {
        let key = [ente, category, kind].map(String::clone).to_vec();
        *sums.entry(key).or_default() += uses;
    }
    sums
}

fn counted(place: &Place<'_>) -> Totals {
    let query =
        "SELECT toMonth(local_date), ente, category, kind, service, sum(service_uses) AS uses
        FROM usage_hourly GROUP BY ALL HAVING uses > 0";
    let rows = place.access().rows(query).into_iter();
    rows.map(|mut row| {
        let uses = row.pop().and_then(|uses| uses.parse().ok());
        let key = row.try_into().expect("five columns");
        (key, uses.expect("a number"))
    })
    .collect()
}
