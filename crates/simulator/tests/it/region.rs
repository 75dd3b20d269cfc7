//! Tests made-up regions: the register is right, and the stream is what the files and the plan say.

use std::collections::{BTreeMap, BTreeSet};

use affluenza_event::{Activity, Outcome};
use affluenza_register::Register;
use affluenza_simulator::{Options, RegionSize, Simulation, TargetFigures, region_files};

use crate::recount::{recount, rome, rows};

const YEAR: i16 = 2024;
const USES: u64 = 6_000;

fn files(seed: u64) -> BTreeMap<String, String> {
    let size = RegionSize {
        enti: 120,
        services: 60,
        deployments: 10,
        uses: USES,
        years: BTreeSet::from([YEAR - 1, YEAR]),
    };
    region_files(&size, seed).unwrap()
}

fn register(files: &BTreeMap<String, String>) -> Register {
    let open = |name: &str| files.get(name).cloned().ok_or_else(|| name.to_owned());
    Register::read(&files["register.toml"], open).unwrap()
}

fn simulation(files: &BTreeMap<String, String>, register: &Register) -> Simulation {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let figures = TargetFigures::from_dir(dir.path(), YEAR).unwrap();
    Simulation::new(&figures, register, &Options::default()).unwrap()
}

#[test]
fn a_seed_gives_the_same_files_and_another_seed_others() {
    assert_eq!(files(1), files(1));
    assert_ne!(files(1), files(2));
}

#[test]
fn the_register_is_of_the_size_that_was_asked() {
    let register = register(&files(1));
    assert_eq!(register.enti().len(), 120);
    assert_eq!(register.services().len(), 60);
    assert_eq!(register.portals().len(), 120);
    let deployments = register.deployments().count();
    assert!((1_150..=1_250).contains(&deployments), "{deployments}");
}

#[test]
fn the_stream_has_the_totals_of_the_table() {
    let files = files(1);
    let register = register(&files);
    let found = recount(simulation(&files, &register), &register);
    assert_eq!(found.total_uses(), USES);
    assert!(found.not_deployed.is_empty());
    let table = rows(&files[&format!("usage_{YEAR}_by_ente.csv")]);
    let uses: BTreeMap<_, u64> = table
        .iter()
        .map(|row| {
            let of = [&row["ente"], &row["category"], &row["kind"]];
            (of.map(String::as_str), row["service_uses"].parse().unwrap())
        })
        .collect();
    let kinds: Vec<_> = found
        .uses
        .iter()
        .map(|((ente, category, kind), uses)| (ente, category, kind.to_string(), *uses))
        .collect();
    let found: BTreeMap<_, u64> = kinds
        .iter()
        .map(|(ente, category, kind, uses)| ([**ente, **category, kind.as_str()], *uses))
        .collect();
    assert_eq!(found, uses);
    // A few large bodies have most of the uses.
    let mut by_ente: BTreeMap<&str, u64> = BTreeMap::new();
    for ([ente, ..], uses) in &uses {
        *by_ente.entry(ente).or_default() += uses;
    }
    let mut by_ente: Vec<u64> = by_ente.into_values().collect();
    by_ente.sort_unstable_by(|a, b| b.cmp(a));
    assert!(by_ente[..12].iter().sum::<u64>() > USES / 2, "{by_ente:?}");
}

/// Uses by month, ente, category, kind and service.
type Totals = BTreeMap<(usize, String, String, String, String), u64>;

#[test]
fn the_plan_says_each_month_of_each_service() {
    let files = files(1);
    let register = register(&files);
    let mut simulation = simulation(&files, &register);
    let planned: Totals = simulation
        .planned()
        .map(|it| {
            let [ente, category, service] = [it.ente, it.category, it.service].map(str::to_owned);
            let key = (it.month, ente, category, it.kind.to_string(), service);
            (key, it.service_uses)
        })
        .collect();
    let mut found = Totals::new();
    let mut json = Vec::new();
    while let Some((time, _)) = simulation.next_into(&mut json) {
        let event = affluenza_event::parse(&json, time).unwrap();
        let Activity::ServiceUse(kind) = event.activity else {
            continue;
        };
        if event.outcome != Outcome::Completed {
            continue;
        }
        let time = jiff::Timestamp::from_millisecond(time.0).unwrap();
        let day = rome().to_datetime(time).date();
        let month = day.month().unsigned_abs();
        let service = register.service(&event.service).unwrap();
        let category = service.category_on(day).code();
        let [ente, category, service] = [&*event.ente, category, service.code()].map(str::to_owned);
        let key = (
            usize::from(month),
            ente,
            category,
            kind.to_string(),
            service,
        );
        *found.entry(key).or_default() += 1;
    }
    assert_eq!(found, planned);
}
