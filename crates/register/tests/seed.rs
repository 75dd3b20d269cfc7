//! Compares the example register with the tables printed in the source report.

use std::collections::{BTreeMap, HashMap};

use affluenza_register::{Kind, Register};
use jiff::civil::date;

const REGISTER: &str = include_str!("../../../deploy/register.toml");
const CATEGORIES: &str = include_str!("../../simulator/figures/focus-2017/categories.csv");
const DEPLOYMENTS: &str = include_str!("../../simulator/figures/focus-2017/deployments_2017.csv");
const USAGE: &str = include_str!("../../simulator/figures/focus-2017/usage_2017_by_ente.csv");
const VARIATIONS: &str =
    include_str!("../../simulator/figures/focus-2017/main_variations_2017.csv");

type Row = HashMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("the printed table is well-formed")
}

fn register() -> Register {
    Register::parse(REGISTER).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn deployments_at_the_end_of_2017_are_those_printed() {
    let register = register();
    let mut offered: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut natures: BTreeMap<(&str, Kind), u64> = BTreeMap::new();
    let day = date(2017, 12, 31);
    for it in register.deployments_on(day) {
        assert!(register.deployed(it.ente, it.service, day));
        let category = it.service.category_on(day).code();
        *offered.entry((it.ente.code(), category)).or_default() += 1;
        *natures.entry((it.ente.code(), it.nature)).or_default() += 1;
    }
    let mut cells = 0;
    for row in rows(DEPLOYMENTS) {
        let ente = register.ente(&row["ente"]).unwrap().code();
        for category in register.categories() {
            let printed: u64 = row[category.code()].parse().unwrap();
            let found = offered.get(&(ente, category.code())).unwrap_or(&0);
            assert_eq!(*found, printed, "{ente} {}", category.code());
            cells += 1;
        }
        for (kind, column) in [
            (Kind::Payment, "of_which_payments"),
            (Kind::Booking, "of_which_bookings"),
        ] {
            let printed: u64 = row[column].parse().unwrap();
            let of_all: u64 = row["total"].parse().unwrap();
            let found = *natures.get(&(ente, kind)).unwrap_or(&0);
            // The source lists ten bookings for nine services, which is an error of the source.
            if printed <= of_all {
                assert_eq!(found, printed, "{ente} {kind}");
            }
        }
    }
    assert_eq!(cells, register.enti().len() * register.categories().len());
    let total: u64 = rows(DEPLOYMENTS)
        .iter()
        .map(|row| row["total"].parse::<u64>().unwrap())
        .sum();
    assert_eq!(offered.values().sum::<u64>(), total);
}

#[test]
fn categories_are_those_printed() {
    let register = register();
    let printed = rows(CATEGORIES);
    assert_eq!(register.categories().len(), printed.len());
    for row in printed {
        let category = register.category(&row["category"]).unwrap();
        assert_eq!(category.name_it(), row["name_it"]);
        assert_eq!(category.name_en(), row["name_en"]);
    }
}

#[test]
fn every_spelling_of_an_ente_resolves_and_both_tables_mean_the_same() {
    let register = register();
    let mut printed: Vec<_> = rows(DEPLOYMENTS)
        .iter()
        .map(|row| register.ente(&row["ente"]).unwrap().code().to_owned())
        .collect();
    printed.sort();
    printed.dedup();
    assert_eq!(printed.len(), register.enti().len());
    for row in rows(USAGE) {
        assert!(register.ente(&row["ente"]).is_some(), "{}", row["ente"]);
        assert!(row["category"].is_empty() || register.category(&row["category"]).is_some());
    }
    for (spelling, code) in [
        ("Borgo S.L.", "c_b036"),
        ("borgo_san_lorenzo", "c_b036"),
        ("Sesto F.no", "c_i684"),
        ("Sesto fiorentino", "c_i684"),
        ("Rignano", "c_h286"),
        ("Rignano S.Arno", "c_h286"),
        ("rignano_sull_arno", "c_h286"),
        ("UCM", "ucmm"),
        ("U.C. Mugello", "ucmm"),
        ("citta_metropolitana_di_firenze", "cmfi"),
        ("FIRENZE", "c_d612"),
        ("048017", "c_d612"),
        ("C_D612", "c_d612"),
    ] {
        let found = register.ente(spelling).map(|ente| ente.code());
        assert_eq!(found, Some(code), "{spelling}");
    }
    assert!(register.ente("Atlantide").is_none());
    assert!(register.ente("").is_none());
}

#[test]
fn services_named_in_the_source_resolve_with_their_category_and_dates() {
    let register = register();
    for row in rows(VARIATIONS) {
        let service = register.service(&row["service_it"]).unwrap();
        assert_eq!(
            service.category_on(date(2017, 6, 1)).code(),
            row["category"]
        );
        let at_the_end = service.validity().contains(date(2017, 12, 31));
        let before = service.validity().contains(date(2016, 12, 31));
        assert_eq!(at_the_end, row["status"] != "retired", "{}", service.code());
        assert_eq!(before, row["status"] != "new", "{}", service.code());
    }
}

#[test]
fn every_ente_has_a_portal_and_every_service_an_offer() {
    let register = register();
    for ente in register.enti() {
        let portal = register.portal(ente, "servizi-online").unwrap();
        assert_eq!(portal.ente(), ente.code());
        assert_eq!(portal.zone().name(), "Europe/Rome");
    }
    for service in register.services() {
        assert!(
            register
                .deployments()
                .any(|one| one.service.code() == service.code()),
            "{}",
            service.code()
        );
    }
}

#[test]
fn the_version_does_not_depend_on_order_or_layout() {
    let original = register();
    let mut table: toml::Table = toml::from_str(REGISTER).unwrap();
    for name in ["ente", "service", "category", "portal"] {
        table[name].as_array_mut().unwrap().reverse();
    }
    let shuffled = toml::to_string(&table).unwrap();
    let shuffled = Register::parse(&shuffled).unwrap();
    assert_eq!(shuffled.version(), original.version());
    assert_eq!(original.version().len(), 12);

    let changed = REGISTER.replacen("name = \"Firenze\"", "name = \"Florentia\"", 1);
    assert_ne!(changed, REGISTER);
    let changed = Register::parse(&changed).unwrap();
    assert_ne!(changed.version(), original.version());
}
