//! Tests the two years of the Focus report.

use std::collections::{BTreeMap, BTreeSet};

use affluenza_event::Kind;
use affluenza_register::Register;
use affluenza_simulator::{Options, Simulation, TargetFigures};
use jiff::civil::date;

use crate::recount::{Recount, recount, register, rows};

const BY_CATEGORY: &str = include_str!("../../figures/focus-2017/usage_by_category.csv");
const BY_ENTE: &str = include_str!("../../figures/focus-2017/usage_2017_by_ente.csv");
const ACCESS: &str = include_str!("../../figures/focus-2017/access_2017.csv");
const DEPLOYMENTS: &str = include_str!("../../figures/focus-2017/deployments_2017.csv");
const VARIATIONS: &str = include_str!("../../figures/focus-2017/main_variations_2017.csv");

fn stream(year: i16, seed: u64, register: &Register) -> Recount<'_> {
    let options = Options {
        seed,
        ..Options::default()
    };
    let figures = TargetFigures::focus(year).unwrap();
    let simulation = Simulation::new(&figures, register, &options).unwrap();
    assert_eq!(simulation.counts().service_uses, figures.service_uses());
    recount(simulation, register)
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

/// Checks uses by category, and by kind if kinds are printed.
fn assert_categories(counts: &Recount<'_>, year: i16) {
    let mut total = 0;
    for row in rows(BY_CATEGORY) {
        if row["year"] != year.to_string() {
            continue;
        }
        let category = &row["category"];
        let printed = number(&row["service_uses"]);
        total += printed;
        let of = |kind: Option<Kind>| {
            counts.uses_where(|_, it, of| it == category && kind.is_none_or(|kind| kind == of))
        };
        assert_eq!(of(None), printed, "{category}");
        if row["of_which_payments"].is_empty() {
            continue;
        }
        let payments = number(&row["of_which_payments"]);
        let bookings = number(&row["of_which_bookings"]);
        assert_eq!(of(Some(Kind::Payment)), payments, "{category} payments");
        assert_eq!(of(Some(Kind::Booking)), bookings, "{category} bookings");
    }
    assert_eq!(counts.total_uses(), total);
}

/// Checks uses by ente, category and kind.
fn assert_enti(counts: &Recount<'_>, register: &Register) {
    let mut cells = 0;
    let mut bookings = 0;
    for row in rows(BY_ENTE) {
        let ente = register.ente(&row["ente"]).unwrap().code();
        let category = &row["category"];
        let printed = number(&row["service_uses"]);
        let kind: Kind = row["kind"].parse().unwrap();
        let found = counts.uses_where(|of, in_category, it| {
            of == ente && it == kind && (category.is_empty() || in_category == category)
        });
        assert_eq!(found, printed, "{ente} {category} {kind}");
        if category.is_empty() {
            bookings += 1;
        } else {
            cells += 1;
        }
    }
    // No cells beyond the printed ones.
    let plain_cells = counts.uses.keys().filter(|key| key.2 != Kind::Booking);
    assert_eq!(plain_cells.count(), cells);
    let of_bookings = counts.uses.keys().filter(|key| key.2 == Kind::Booking);
    let booking_enti: BTreeSet<_> = of_bookings.map(|key| key.0).collect();
    assert_eq!(booking_enti.len(), bookings);
}

fn assert_accesses(counts: &Recount<'_>) {
    let mut access: BTreeMap<String, f64> = BTreeMap::new();
    for row in rows(ACCESS) {
        access.insert(row["measure"].clone(), row["value"].parse().unwrap());
    }
    // Both clock changes are in the night band, so each band has its hours 365 times.
    for (from, to) in [(0, 8), (8, 18), (18, 24)] {
        let users = counts.users_where(|hour, _| (from..to).contains(&hour));
        let printed = access[&format!("mean_users_per_hour_{from:02}_{to:02}")];
        let hours = f64::from(to - from) * 365.0;
        assert_eq!(users as f64 / hours, printed, "{from} to {to}");
    }

    for counted in [&counts.accesses, &counts.users] {
        let share = |keep: &dyn Fn(i8, &str) -> bool| {
            let kept: u64 = counted
                .iter()
                .filter(|((hour, label), _)| keep(*hour, label))
                .map(|(_, count)| count)
                .sum();
            100.0 * kept as f64 / counted.values().sum::<u64>() as f64
        };
        let desktop = share(&|_, label| label == "desktop");
        assert!((desktop - access["desktop_share_percent"]).abs() < 0.01);
        let mobile = share(&|_, label| label != "desktop");
        assert!((mobile - access["smartphone_and_tablet_share_percent"]).abs() < 0.01);
        let tablets = share(&|_, label| label == "tablet");
        assert!((1.5..4.0).contains(&tablets), "{tablets}");
        let off_hours = share(&|hour, _| !(8..18).contains(&hour));
        assert_eq!(off_hours.round(), access["accesses_18_to_08_share_percent"]);
    }
}

/// Checks that no made-up change of a service exceeds a printed one of its category.
fn assert_printed_changes_lead(counts: &Recount<'_>, before: &Recount<'_>, register: &Register) {
    let printed: BTreeMap<String, String> = rows(VARIATIONS)
        .into_iter()
        .map(|row| {
            let service = register.service(&row["service_it"]).unwrap();
            (service.code().to_owned(), row["change"].clone())
        })
        .collect();
    let mut least: BTreeMap<&str, u64> = BTreeMap::new();
    let mut made_up: BTreeMap<&str, u64> = BTreeMap::new();
    for service in register.services() {
        let uses = |of: &Recount<'_>| *of.services.get(service.code()).unwrap_or(&0);
        let size = uses(counts).abs_diff(uses(before));
        let category = service.category_on(date(2017, 12, 31)).code();
        if printed
            .get(service.code())
            .is_some_and(|change| !change.is_empty())
        {
            let least = least.entry(category).or_insert(size);
            *least = size.min(*least);
        } else {
            let most = made_up.entry(category).or_default();
            *most = size.max(*most);
        }
    }
    assert_eq!(least.len(), 7);
    for (category, least) in least {
        assert!(made_up[category] < least, "{category}");
    }
}

#[test]
fn both_years_are_exactly_as_printed() {
    let register = register();
    let (before, counts) = std::thread::scope(|scope| {
        let before = scope.spawn(|| stream(2016, 1, &register));
        let counts = stream(2017, 1, &register);
        (before.join().unwrap(), counts)
    });
    assert_categories(&before, 2016);
    assert_categories(&counts, 2017);
    assert_enti(&counts, &register);
    assert_accesses(&counts);

    // Changes of single services in the source.
    for row in rows(VARIATIONS) {
        if row["change"].is_empty() {
            continue;
        }
        let service = register.service(&row["service_it"]).unwrap().code();
        let uses = |of: &Recount<'_>| *of.services.get(service).unwrap_or(&0) as i64;
        let change: i64 = row["change"].parse().unwrap();
        assert_eq!(uses(&counts) - uses(&before), change, "{service}");
        match row["status"].as_str() {
            "new" => assert_eq!(uses(&before), 0, "{service}"),
            "retired" => assert!(uses(&counts) * 100 < uses(&before), "{service}"),
            _ => assert!(uses(&counts) > 0 && uses(&before) > 0, "{service}"),
        }
    }

    assert_printed_changes_lead(&counts, &before, &register);

    // Years without access figures have no accesses.
    assert_eq!((before.total_accesses(), before.bot_accesses), (0, 0));

    // Additional events, and properties that make the stream realistic.
    let within = |part: u64, of: u64, percent: std::ops::Range<f64>| {
        let share = 100.0 * part as f64 / of as f64;
        assert!(percent.contains(&share), "{share}");
    };
    for of in [&before, &counts] {
        within(of.attempts, of.total_uses(), 1.99..2.01);
        within(of.in_italy, of.events, 92.0..98.0);
    }
    within(counts.bot_accesses, counts.total_accesses(), 2.99..3.01);
    within(counts.returned, counts.total_users(), 2.0..5.0);
    assert_eq!(counts.uses_with_access, counts.total_uses());
    assert!(counts.session_events_max < 40);

    // The stream has uses of services that are not listed as offered, exactly where the source has
    // them.
    let offered: BTreeMap<_, _> = rows(DEPLOYMENTS)
        .into_iter()
        .map(|row| (register.ente(&row["ente"]).unwrap().code(), row))
        .collect();
    let by_ente = rows(BY_ENTE);
    let mut odd: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in &by_ente {
        let (ente, category) = (register.ente(&row["ente"]).unwrap(), &row["category"]);
        if !category.is_empty() && offered[ente.code()][category] == "0" {
            let cell = (ente.code(), category.as_str());
            *odd.entry(cell).or_default() += number(&row["service_uses"]);
        }
    }
    assert!(odd.len() > 5);
    assert_eq!(counts.not_deployed, odd);

    // Enti use services that they offer, if they offer any in the category that year.
    for (of, year) in [(&before, 2016), (&counts, 2017)] {
        for (ente, category) in of.not_deployed.keys() {
            let offered = register.deployments().any(|it| {
                let day = it.validity.from.unwrap_or(date(year, 1, 1));
                let day = day.max(date(year, 1, 1));
                day.year() == year
                    && it.validity.contains(day)
                    && it.ente.code() == *ente
                    && it.service.category_on(day).code() == *category
            });
            assert!(!offered, "{ente} {category} {year}");
        }
    }
}

#[test]
fn another_seed_is_another_stream_with_the_same_figures() {
    let register = register();
    let counts = stream(2017, 4711, &register);
    assert_categories(&counts, 2017);
    assert_enti(&counts, &register);
    assert_accesses(&counts);
}
