//! Findings of the source's year, and of made-up years with a planted cause.

use std::collections::BTreeMap;

use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use affluenza_store::figures::{Counted, YearFigures};
use affluenza_words::Language;

use super::YearFinding;
use super::counts::{FindingCounts, ServiceCounts, ShareCounts};
use crate::count::Count;
use crate::fixture::{band, cell, device, register, service, tried, year_2016, year_2017};
use crate::names::ServiceName;
use crate::tables::{CategoryMove, Moves, Turn};
use crate::{Report, ReportPeriod, ReportRequest};

/// A row of a file of figures, by column.
type Row = BTreeMap<String, String>;

fn rows(name: &str) -> Vec<Row> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../simulator/figures/focus-2017/"
    );
    let mut reader = csv::Reader::from_path(format!("{folder}{name}.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn count(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or(0)
}

/// Returns the report of all enti.
fn report(register: &Register, now: &YearFigures, before: &YearFigures) -> Report {
    let question = ReportRequest {
        period: ReportPeriod::of_year(2017),
        counted: Counted::People,
        ente: None,
        register,
        zones: &[Zone::default()],
    };
    Report::build(&question, now, Some((2016, before)))
}

fn sentences(report: &Report, language: Language) -> Vec<String> {
    let findings = report.findings.iter();
    let sentences = findings.map(|finding| finding.sentence(language, report.period));
    sentences.collect()
}

/// Adds the uses of a service in Firenze.
fn add_service(year: &mut YearFigures, code: &str, category: &str, uses: u64) {
    let used = tried("c_d612", code, [category, "plain"], [uses, 0, 0], "");
    year.detail.services.push(used);
    year.services.push(service(code, category, uses, 1));
}

/// Uses of services whose counts the source does not print, before their change.
const BASE: u64 = 10_000;

/// The figures of the source for 2017 and 2016. It prints changes of services, but not their uses;
/// further services of each category have the other uses.
fn source(register: &Register) -> [YearFigures; 2] {
    let [mut now, mut before] = [YearFigures::default(), YearFigures::default()];
    let mut rest: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    let mut bookings: Vec<(String, u64)> = Vec::new();
    for row in rows("usage_by_category") {
        let (category, uses) = (&row["category"], count(&row, "service_uses"));
        let place = usize::from(row["year"] == "2016");
        rest.entry(category.clone()).or_default()[place] = uses;
        if place == 1 {
            before.usage.push(cell("c_d612", category, "plain", uses));
        }
        bookings.push((category.clone(), count(&row, "of_which_bookings")));
    }
    for row in rows("usage_2017_by_ente") {
        let (ente, mut uses) = (&row["ente"], count(&row, "service_uses"));
        if row["kind"] != "booking" {
            now.usage
                .push(cell(ente, &row["category"], &row["kind"], uses));
            continue;
        }
        // The source prints bookings by ente and by category, but not by both.
        for (category, left) in &mut bookings {
            let part = uses.min(*left);
            now.usage.push(cell(ente, category, "booking", part));
            uses -= part;
            *left -= part;
        }
    }
    for row in rows("main_variations_2017") {
        let code = register.service(&row["service_it"]).unwrap().code();
        let change: i64 = row["change"].parse().unwrap_or(0);
        let base = match &*row["status"] {
            "new" => 0,
            "retired" => change.unsigned_abs(),
            _ => BASE,
        };
        let counts = [base.saturating_add_signed(change), base];
        let left = rest.get_mut(&row["category"]).unwrap();
        for (place, year) in [&mut now, &mut before].into_iter().enumerate() {
            add_service(year, code, &row["category"], counts[place]);
            left[place] -= counts[place];
        }
    }
    for (category, counts) in rest {
        // Their changes are below those that the source prints.
        let others = counts[0].abs_diff(counts[1]) / 2_500 + 1;
        for other in 0..others {
            let code = format!("{category}-{other}");
            for (place, year) in [&mut now, &mut before].into_iter().enumerate() {
                let first = if other == 0 {
                    counts[place] % others
                } else {
                    0
                };
                add_service(year, &code, &category, counts[place] / others + first);
            }
        }
    }
    let access: BTreeMap<String, u64> = rows("access_2017")
        .into_iter()
        .map(|row| (row["measure"].clone(), count(&row, "value")))
        .collect();
    for (class, share) in [
        ("desktop", "desktop_share_percent"),
        ("smartphone", "smartphone_and_tablet_share_percent"),
    ] {
        now.devices.push(device(class, 1_000 * access[share]));
    }
    for (name, hours, mean) in [
        ("night", 8, "mean_users_per_hour_00_08"),
        ("office", 10, "mean_users_per_hour_08_18"),
        ("evening", 6, "mean_users_per_hour_18_24"),
    ] {
        let accesses = if name == "office" { 100_000 } else { 0 };
        now.bands
            .push(band(name, hours * 365 * access[mean], accesses));
    }
    [now, before]
}

#[test]
fn findings_of_2017_name_the_causes_that_the_source_shows() {
    let register = include_str!("../../../../deploy/register.toml");
    let register = Register::parse(register).unwrap();
    let [now, before] = source(&register);
    let mut report = report(&register, &now, &before);
    // The hours of the day are not part of these figures.
    report.warnings.clear();
    let told = sentences(&report, Language::IT);
    assert_eq!(
        told[..4],
        [
            "Gli utilizzi sono aumentati da 617.628 a 749.866; senza «Consultazione pratiche edilizie» (Firenze, +138.126) la variazione sarebbe stata di −1,0%.",
            "Un solo ente, Firenze, ha registrato 692.968 utilizzi su 749.866.",
            "8 enti su 29 non hanno registrato utilizzi, pur avendo 32 servizi attivi.",
            "Il servizio disattivato con il calo maggiore è «Deposito attestato di prestazione energetica (A.P.E.)» (57.553 utilizzi in meno); il più utilizzato dei servizi nuovi è «Attestazione pagamento servizi scolastici» (23.372 utilizzi).",
        ]
    );
    let told = sentences(&report, Language::EN);
    assert_eq!(
        told[0],
        "Uses rose from 617,628 to 749,866; without “Building files: search” (Firenze, +138,126) the change would have been −1.0%."
    );
    let percents = |moves: &[CategoryMove]| {
        let moves = moves.iter();
        let moves = moves.map(|row| (row.name.category.clone(), row.change_percent.round()));
        moves.collect::<Vec<_>>()
    };
    let named = |moves: [(&str, f64); 3]| moves.map(|(code, percent)| (code.to_owned(), percent));
    assert_eq!(
        percents(&report.moves.rising),
        named([
            ("urbanistica", 338.0),
            ("istruzione", 55.0),
            ("cultura", 40.0)
        ])
    );
    assert_eq!(
        percents(&report.moves.falling),
        named([("ambiente", -49.0), ("sicurezza", -8.0), ("anagrafe", -6.0)])
    );
    let main = report.variations.iter().flat_map(|row| &row.services);
    let main: Vec<&str> = main.map(|row| &*row.name.service_name_it).collect();
    for row in rows("main_variations_2017") {
        let is_legible = !row["change"].is_empty();
        assert_eq!(
            main.contains(&row["service_it"].as_str()),
            is_legible,
            "{row:?}"
        );
    }
}

/// Returns two years of the small register with these uses of a service, in the year and in the
/// compared year, besides others that hardly change.
fn planted(ente: &str, code: &str, category: &str, uses: [u64; 2]) -> Report {
    let years = uses.map(|uses| {
        let mut year = YearFigures::default();
        for (ente, code, category, uses) in [
            ("c_d612", "multe", "sicurezza", 40_000),
            ("um_mugello", "certificati", "anagrafe", 20_000 + uses % 7),
            (ente, code, category, uses),
        ] {
            let used = tried(ente, code, [category, "plain"], [uses, 0, 0], "");
            year.detail.services.push(used);
            year.services.push(service(code, category, uses, 1));
            year.usage.push(cell(ente, category, "plain", uses));
        }
        year
    });
    report(&register(), &years[0], &years[1])
}

#[test]
fn the_sentence_names_the_planted_cause() {
    let fall = planted("c_d612", "certificati", "anagrafe", [10_000, 50_000]);
    let told = sentences(&fall, Language::IT).concat();
    assert!(
        told.contains("diminuiti") && told.contains("«Certificati» (Firenze, −40.000)"),
        "{told}"
    );
    let stop = planted("c_d612", "piscine", "sport", [100, 30_000]);
    let told = sentences(&stop, Language::IT).concat();
    let end = "calo maggiore è «Prenotazione delle piscine» (29.900 utilizzi in meno).";
    assert!(told.contains(end), "{told}");
}

#[test]
fn what_is_small_unregistered_or_doubtful_is_no_cause() {
    let small = planted("c_d612", "certificati", "anagrafe", [200, 0]);
    let is_growth = |report: &Report| matches!(report.findings[0], YearFinding::Growth(_));
    assert!(is_growth(&small), "{:?}", small.findings);
    let stranger = planted("c_d612", "nuovo-servizio", "unregistered", [90_000, 0]);
    assert!(is_growth(&stranger), "{:?}", stranger.findings);

    let mut doubtful = year_2017();
    doubtful.months_in_doubt = vec!["2017-03".into()];
    let doubtful = report(&register(), &doubtful, &year_2016());
    assert_eq!(doubtful.findings, []);
}

/// A service that stopped with these uses in the compared year and in the year.
fn stopped(code: &str, before: Count, now: Count) -> ServiceCounts {
    ServiceCounts {
        name: ServiceName::of(&register(), code),
        ente: None,
        now,
        before,
        turn: Some(Turn::Stopped),
    }
}

#[test]
fn no_service_is_the_largest_if_a_hidden_one_may_be_larger() {
    let hidden = [ShareCounts::hidden(); 2];
    let mut counts = FindingCounts {
        compared_year: 2016,
        is_of_ente: false,
        uses: Count::Shown(100_000),
        uses_before: Count::Shown(100_000),
        services: vec![
            stopped("multe", Count::Shown(3_000), Count::Shown(0)),
            stopped("piscine", Count::Shown(5_000), Count::Hidden),
        ],
        services_of_enti: Vec::new(),
        enti: Vec::new(),
        services_without_uses: ShareCounts::hidden(),
        uses_not_offered: Count::Hidden,
        moves: Moves::default(),
        mobile: hidden,
        off_hours: hidden,
        identity: hidden,
    };
    let is_stopped =
        |finding: &YearFinding| matches!(finding, YearFinding::StartedAndStopped { .. });
    assert!(!counts.findings().iter().any(is_stopped));
    counts.services[1].before = Count::Shown(2_000);
    assert!(counts.findings().iter().any(is_stopped));
}

#[test]
fn a_year_without_data_has_no_finding() {
    let none = YearFigures::default();
    for ente in [None, register().ente("c_d612")] {
        let question = ReportRequest {
            period: ReportPeriod::of_year(2017),
            counted: Counted::People,
            ente: ente.map(|ente| ente.code()),
            register: &register(),
            zones: &[Zone::default()],
        };
        let report = Report::build(&question, &none, Some((2016, &year_2016())));
        assert_eq!(report.findings, []);
    }
}

#[test]
fn every_finding_is_a_sentence_and_a_title_in_every_language() {
    let [now, before] = [year_2017(), year_2016()];
    let year = ReportPeriod::of_year(2017);
    for finding in report(&register(), &now, &before).findings {
        for language in Language::ALL {
            let [sentence, title] = [
                finding.sentence(language, year),
                finding.title(language, year),
            ];
            assert!(sentence.ends_with('.') && !title.is_empty(), "{sentence}");
            assert!(!sentence.contains("none"), "{sentence}");
        }
    }
}
