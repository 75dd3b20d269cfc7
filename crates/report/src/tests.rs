//! The report, from figures to JSON and text.

use affluenza_classify::hours::Zone;
use affluenza_disclosure::edition::Outcome;
use affluenza_register::Register;
use affluenza_store::figures::{Counted, DeviceUse, Figures, YearFigures};
use proptest::prelude::*;

use crate::document::{Block, Document};
use crate::fixture::{band, cell, device, register, service, year_2016, year_2017};
use crate::sources::{self, FigureSet, ImplausibleFigure, SourceError};
use crate::tables::{BandRow, Devices, Kinds, Status};
use crate::{FiguresByEnte, Notice, Report, ReportPeriod, ReportRequest};
use affluenza_words::Language;

/// The example register, with the twelve categories and the enti of the original report.
const EXAMPLE: &str = include_str!("../../../deploy/register.toml");

/// Builds the report of all enti.
fn built(
    year: i16,
    counted: Counted,
    figures: &YearFigures,
    compared: Option<(i16, &YearFigures)>,
    register: &Register,
    zone: &Zone,
) -> Report {
    let question = ReportRequest {
        period: ReportPeriod::of_year(year),
        counted,
        ente: None,
        register,
        zones: std::slice::from_ref(zone),
    };
    Report::build(&question, figures, compared)
}

pub(crate) fn report() -> Report {
    let (now, before) = (year_2017(), year_2016());
    built(
        2017,
        Counted::People,
        &now,
        Some((2016, &before)),
        &register(),
        &Zone::default(),
    )
}

fn of_year(year: i16, zone: &Zone) -> Report {
    built(year, Counted::People, &year_2017(), None, &register(), zone)
}

/// Uses of every ente in every category of the example register, all of equal size.
fn example() -> Report {
    let register = Register::parse(EXAMPLE).unwrap();
    let mut figures = YearFigures::default();
    for ente in register.enti() {
        for category in register.categories() {
            let uses = cell(ente.code(), category.code(), "plain", 11_111);
            figures.usage.push(uses);
        }
    }
    built(
        2017,
        Counted::People,
        &figures,
        None,
        &register,
        &Zone::default(),
    )
}

#[test]
fn text_in_italian() {
    insta::assert_snapshot!(report().to_text(Language::IT, 80));
}

#[test]
fn text_in_english() {
    insta::assert_snapshot!(report().to_text(Language::EN, 120));
}

#[test]
fn text_without_a_year_to_compare() {
    insta::assert_snapshot!(of_year(2017, &Zone::default()).to_text(Language::EN, 80));
}

#[test]
fn json() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&report()).unwrap());
}

#[test]
fn an_empty_year_says_so_and_shows_what_was_offered() {
    let none = YearFigures::default();
    let report = built(
        2019,
        Counted::People,
        &none,
        Some((2018, &none)),
        &register(),
        &Zone::default(),
    );
    assert!(report.is_empty());
    assert_eq!(
        report.warnings,
        [
            Notice::NoData { year: 2019 },
            Notice::NoDataToCompare { year: 2018 }
        ]
    );
    assert_eq!(report.totals.growth_percent, None);
    assert_eq!(report.devices.smartphone_and_tablet.share_percent, None);
    assert_eq!(report.hours.off_hours_share_percent, None);
    insta::assert_snapshot!(report.to_text(Language::IT, 80));
}

/// Returns the report of a period up to a day, compared with the same days of the year before.
fn up_to(period: &str, until: &str) -> Report {
    let period: ReportPeriod = period.parse().unwrap();
    let question = ReportRequest {
        period: period.until(until.parse().unwrap()),
        counted: Counted::People,
        ente: None,
        register: &register(),
        zones: &[Zone::default()],
    };
    let compared = Some((period.year() - 1, &year_2016()));
    Report::build(&question, &year_2017(), compared)
}

#[test]
fn a_year_that_is_not_over_counts_and_names_the_days_that_passed() {
    let report = up_to("2017", "2017-05-31");
    assert_eq!(report.data_until, Some("2017-05-31".parse().unwrap()));
    let hours: u64 = report
        .hours
        .bands
        .iter()
        .map(|row| row.hours_existing)
        .sum();
    // The clock was put forward in March.
    assert_eq!(hours, (31 + 28 + 31 + 30 + 31) * 24 - 1);
    assert_eq!(report.months.len(), 5);
    // A service that ends in July has not ended, and is on offer.
    let ended = report.service_status.iter();
    let mut ended = ended.filter(|row| row.status == Some(Status::Retired));
    assert_eq!(ended.next(), None);
    assert_eq!(report.offered.total, 4);
    let text = report.to_text(Language::IT, 200);
    for said in [
        "periodo in corso: dati fino al 31 maggio 2017",
        "confronto con gli stessi giorni del 2016",
        "+16% sugli stessi giorni del 2016",
        "servizi attivi per ente al 31 maggio 2017",
        "diversi, al 31 maggio 2017",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("dicembre"), "{text}");
    let english = report.to_text(Language::EN, 200);
    assert!(
        english.contains("period not over: data up to 31 May 2017"),
        "{english}"
    );
    assert!(!english.contains("December"), "{english}");
}

#[test]
fn a_quarter_and_a_month_are_compared_with_the_same_of_the_year_before() {
    let quarter = up_to("2017-Q1", "2017-12-31");
    assert_eq!((quarter.data_until, quarter.months.len()), (None, 3));
    let text = quarter.to_text(Language::IT, 200);
    assert!(
        text.starts_with("Utilizzo dei servizi online – 1º trimestre 2017\n"),
        "{text}"
    );
    assert!(
        text.contains("+16% sullo stesso periodo del 2016"),
        "{text}"
    );
    assert!(
        text.contains("servizi attivi per ente al 31 marzo 2017"),
        "{text}"
    );
    let month = up_to("2017-02", "2017-12-31").to_text(Language::EN, 200);
    assert!(
        month.starts_with("Use of online services · February 2017\n"),
        "{month}"
    );
    assert!(month.contains("+16% on the same period of 2016"), "{month}");
}

#[test]
fn part_of_a_closed_year_has_present_figures_and_no_yearly_sources() {
    let quarter = up_to("2017-Q1", "2017-12-31");
    let quarter = quarter.with_sources(&[source("probe-alerts")], &register());
    assert_eq!(quarter.sources, []);
    let open = quarter.to_text(Language::IT, 200);
    assert!(open.contains("non sono ancora definitivi"), "{open}");
    let closed = Report {
        of_closed_year: true,
        ..quarter
    };
    let closed = closed.to_text(Language::IT, 200);
    assert!(
        closed.contains("dati attuali, non quelli della chiusura"),
        "{closed}"
    );
    assert!(!closed.contains("definitivi"), "{closed}");
}

#[test]
fn growth_is_undefined_on_a_zero_base_and_without_one() {
    let report = report();
    let change = |category: &str| {
        let row = report
            .categories
            .iter()
            .find(|row| row.name.category == category);
        let row = row.unwrap();
        (row.compared_service_uses, row.change_percent)
    };
    assert_eq!(change("sport"), (Some(0), None));
    assert_eq!(change("anagrafe"), (Some(100_000), Some(31.588)));
    assert_eq!(
        report.totals.growth_percent,
        Some((196_707.0 - 170_000.0) * 100.0 / 170_000.0)
    );

    let none = YearFigures::default();
    let zone = Zone::default();
    let report = built(
        2017,
        Counted::People,
        &year_2017(),
        Some((2016, &none)),
        &register(),
        &zone,
    );
    assert_eq!(report.totals.compared_service_uses, None);
    assert!(
        report
            .warnings
            .contains(&Notice::NoDataToCompare { year: 2016 })
    );
    assert!(
        report
            .categories
            .iter()
            .all(|row| row.change_percent.is_none())
    );
}

#[test]
fn what_was_used_only_in_the_compared_year_is_shown() {
    let mut before = year_2016();
    before.usage.push(cell("c_d612", "gone", "plain", 30));
    let zone = Zone::default();
    let report = built(
        2017,
        Counted::People,
        &year_2017(),
        Some((2016, &before)),
        &register(),
        &zone,
    );
    let last = report.categories.last().unwrap();
    assert_eq!((&*last.name.category, last.kinds.service_uses), ("gone", 0));
    assert_eq!(last.change_percent, Some(-100.0));
}

#[test]
fn off_hours_are_weighted_by_the_length_of_the_bands() {
    let share = report().hours.off_hours_share_percent.unwrap();
    let (night, office, evening) = (16.0 * 8.0, 176.0 * 10.0, 87.0 * 6.0);
    let expected = (night + evening) * 100.0 / (night + office + evening);
    assert!((share - expected).abs() < 1e-9, "{share} is not {expected}");
    assert_eq!(share.round(), 27.0);
}

#[test]
fn means_divide_by_the_hours_that_existed() {
    let hours = |year, zone: &Zone| {
        let existing = |row: &BandRow| row.hours_existing;
        let report = of_year(year, zone);
        report.hours.bands.iter().map(existing).collect::<Vec<_>>()
    };
    let rome = Zone::default();
    assert_eq!(hours(2017, &rome), [8 * 365, 10 * 365, 6 * 365]);
    assert_eq!(hours(2020, &rome), [8 * 366, 10 * 366, 6 * 366]);
    // Moscow moved its clock forward permanently in March 2011: one night hour never came back.
    let moscow = Zone::named("Europe/Moscow").unwrap();
    assert_eq!(hours(2011, &moscow), [8 * 365 - 1, 10 * 365, 6 * 365]);

    let report = of_year(2011, &moscow);
    let night = &report.hours.bands[0];
    assert_eq!(night.users_per_hour_mean, Some(46_720.0 / 2_919.0));
    let two = &report.hours.hours_of_day[2];
    assert_eq!(
        (two.hours_existing, two.users_per_hour_mean),
        (364.0, Some(5_840.0 / 364.0))
    );
    assert_eq!(report.hours.hours_of_day[3].users_per_hour_mean, Some(16.0));
}

#[test]
fn clients_without_user_agent_are_counted_apart() {
    let row = |device: &str, accesses| DeviceUse {
        device: device.to_owned(),
        accesses,
        service_uses: 0,
    };
    let devices = [row("desktop", 60), row("no-agent", 5), row("unknown", 20)];
    let devices = Devices::build(&devices);
    assert_eq!((devices.accesses, devices.no_agent_accesses), (80, 5));
    let names: Vec<&str> = devices.classes.iter().map(|class| class.device).collect();
    assert_eq!(
        names,
        ["desktop", "smartphone", "tablet", "other", "unknown"]
    );
    assert_eq!(devices.classes[4].share_percent, Some(25.0));
}

#[test]
fn bots_are_in_no_share() {
    let devices = report().devices;
    assert_eq!(
        (devices.accesses, devices.bot_accesses),
        (1_000_000, 45_678)
    );
    assert_eq!(devices.smartphone_and_tablet.accesses, 389_000);
    assert_eq!(devices.smartphone_and_tablet.share_percent, Some(38.9));
    assert_eq!(devices.classes[0].share_percent, Some(61.0));
}

#[test]
fn the_matrix_adds_up_and_names_enti_without_use() {
    let usage = report().usage;
    assert_eq!(
        (usage.total, usage.total),
        (196_707, usage.by_category.values().sum())
    );
    let order: Vec<&str> = usage.enti.iter().map(|row| &*row.name.ente).collect();
    assert_eq!(order, ["c_d612", "um_mugello", "nobody"]);
    assert_eq!(usage.count("um_mugello", "anagrafe"), 1_859);
    assert_eq!(usage.enti_without[0].ente_name, "Lastra a Signa");
}

#[test]
fn another_spelling_of_a_code_is_the_same_ente_and_category() {
    let figures = YearFigures {
        months_in_doubt: Vec::new(),
        usage: vec![
            cell("c_d612", "sport", "booking", 1),
            cell("Florence", "Sport e tempo libero", "booking", 2),
        ],
        ..YearFigures::default()
    };
    let report = built(
        2017,
        Counted::People,
        &figures,
        None,
        &register(),
        &Zone::default(),
    );
    assert_eq!(report.usage.enti.len(), 1);
    assert_eq!(report.usage.count("c_d612", "sport"), 3);
    assert_eq!(report.categories[2].kinds.bookings, 3);
}

#[test]
fn warnings_name_what_the_figures_do_not_tell() {
    let warnings = report().warnings;
    assert_eq!(
        warnings,
        [
            Notice::UnregisteredUse { service_uses: 17 },
            Notice::UnregisteredEnti {
                enti: 1,
                service_uses: 5
            },
            Notice::ServicesNotOffered {
                services: 1,
                service_uses: 7
            },
            // Firenze in sport, whose only service ended; the Mugello in public safety.
            Notice::CategoriesNotOffered {
                enti: 2,
                ente_categories: 2,
                service_uses: 46
            },
        ]
    );

    let mut figures = year_2017();
    figures.usage.push(cell("c_d612", "sport", "gift", 9));
    figures.usage.push(cell("c_d612", "gone", "plain", 3));
    figures.services.push(service("certificati", "sport", 2, 1));
    figures.devices.push(device("desktop", 4));
    figures.bands.push(band("night", 5, 0));
    let report = built(
        2017,
        Counted::People,
        &figures,
        None,
        &register(),
        &Zone::default(),
    );
    for expected in [
        Notice::KindsDoNotAddUp {
            service_uses: 196_719,
            kinds_sum: 196_710,
        },
        Notice::UnknownCategory {
            category: "gone".to_owned(),
            service_uses: 3,
        },
        Notice::ServiceUsesDisagree {
            by_ente: 196_719,
            by_service: 196_709,
        },
        Notice::AccessesDisagree {
            by_device: 1_000_004,
            by_band: 1_000_000,
        },
        Notice::UsersDisagree {
            by_band: 879_655,
            by_hour: 879_650,
        },
    ] {
        assert!(
            report.warnings.contains(&expected),
            "{expected:?} is not in {:?}",
            report.warnings
        );
    }
    // A service that changed category is one service.
    assert_eq!(report.top_services[0].service_uses, 131_590);
    insta::assert_snapshot!(notes(&report, Language::IT) + &notes(&report, Language::EN));
}

fn notes(report: &Report, language: Language) -> String {
    let document = Document::new(report, language);
    let quality = document.sections.into_iter().find(|it| it.id == "quality");
    let blocks = quality.unwrap().blocks.into_iter();
    let notes = blocks.filter_map(|block| match block {
        Block::Notes(notes) => Some(notes.join("\n") + "\n"),
        _ => None,
    });
    notes.collect()
}

#[test]
fn the_example_register_offers_as_many_services_as_it_has_deployments() {
    let register = Register::parse(EXAMPLE).unwrap();
    let offered = example().offered;
    let day = jiff::civil::date(2017, 12, 31);
    assert_eq!(offered.total, register.deployments_on(day).count() as u64);
    let rows: u64 = offered.enti.iter().map(|row| row.total).sum();
    assert_eq!(
        (rows, rows),
        (offered.total, offered.by_category.values().sum())
    );
}

#[test]
fn columns_are_split_into_the_fewest_groups_that_fit() {
    let report = example();
    for language in Language::ALL {
        for (width, groups) in [(80, 3), (100, 2), (130, 2), (150, 1), (200, 1)] {
            let text = report.to_text(language, width);
            let matrix = matrix(&text);
            let heads = matrix
                .lines()
                .filter(|line| line.starts_with("Ente ") || line.starts_with("Body "))
                .count();
            assert_eq!(heads, groups, "at {width} in {language}:\n{text}");
        }
    }
    insta::assert_snapshot!(matrix(&report.to_text(Language::IT, 80)));
    insta::assert_snapshot!(matrix(&report.to_text(Language::EN, 100)));
    insta::assert_snapshot!(matrix(&report.to_text(Language::IT, 150)));
}

/// Returns the part of a text that is the matrix of uses, without the enti.
fn matrix(text: &str) -> String {
    let of_title =
        |titles: [&str; 2], line: &str| titles.iter().any(|title| line.starts_with(title));
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !of_title(["Utilizzi per ente e", "Uses by public body and"], line))
        .take_while(|line| {
            !of_title(
                [
                    "Servizi attivi per ente al",
                    "Services on offer by public body",
                ],
                line,
            )
        })
        .filter(|line| !line.contains("11.111") && !line.contains("11,111"))
        .collect();
    lines.join("\n")
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    for report in [report(), example()] {
        for width in [80, 99, 130, 160] {
            for language in Language::ALL {
                let text = report.to_text(language, width);
                for line in text.lines() {
                    assert!(line.width() <= width, "over {width}: {line}");
                    assert_eq!(line, line.trim_end());
                }
            }
        }
    }
}

#[test]
fn codes_of_strangers_do_not_reach_the_terminal() {
    let mut figures = year_2017();
    figures
        .usage
        .push(cell("\u{1b}[2J", "\u{1b}]0;x\u{7}", "plain", 40_000));
    figures
        .services
        .push(service("\u{1b}[31mred", "unregistered", 900_000, 1));
    let report = built(
        2017,
        Counted::People,
        &figures,
        None,
        &register(),
        &Zone::default(),
    );
    let text = report.to_text(Language::IT, 80);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    assert!(
        text.contains("[31mred") && text.contains("Enti non registrati (2)"),
        "{text}"
    );
}

#[test]
fn years_beyond_the_calendar_do_no_harm() {
    for year in [i16::MIN, -9_999, 0, 9_999, i16::MAX] {
        let report = of_year(year, &Zone::default());
        assert!(!report.to_text(Language::IT, 80).is_empty());
    }
}

proptest! {
    #[test]
    fn everything_adds_up(
        cells in prop::collection::vec(
            (
                prop::sample::select(vec!["c_d612", "c_e466", "um_mugello", "x", "y"]),
                prop::sample::select(vec!["anagrafe", "sicurezza", "sport", "unregistered", "z"]),
                prop::sample::select(vec!["plain", "payment", "booking", "other"]),
                0_u64..1_000_000,
            ),
            0..40,
        ),
        width in 0_usize..250,
    ) {
        let usage = cells.iter().map(|(ente, category, kind, uses)| cell(ente, category, kind, *uses));
        let figures = YearFigures { usage: usage.collect(), ..YearFigures::default() };
        let report = built(2017, Counted::People, &figures, None, &register(), &Zone::default());
        let total: u64 = cells.iter().map(|(.., uses)| uses).sum();
        let kinds = |Kinds { plain, payments, bookings, unknown_kind, .. }: Kinds| {
            plain + payments + bookings + unknown_kind
        };
        prop_assert_eq!(kinds(report.totals.kinds), total);
        prop_assert_eq!(report.categories.iter().map(|row| kinds(row.kinds)).sum::<u64>(), total);
        prop_assert_eq!(report.usage.by_category.values().sum::<u64>(), total);
        let shares: f64 = report.categories.iter().filter_map(|row| row.share_percent).sum();
        prop_assert!(total == 0 || (shares - 100.0).abs() < 1e-6);
        let text = report.to_text(Language::IT, width);
        prop_assert!(cells.is_empty() || text.replace('.', "").contains(&total.to_string()));
    }
}

/// 2017, closed for the first time.
fn closed() -> (crate::Seal, crate::SealedYear) {
    let of = |figures: YearFigures| Figures {
        people: figures.clone(),
        all: figures,
    };
    let sealed = crate::SealedYear {
        year: 2017,
        month: None,
        sealed_at: "2018-01-31T10:00:00Z".into(),
        cause: String::new(),
        rules: vec!["1".into()],
        ends: Vec::new(),
        figures: of(year_2017()),
        published: None,
        figures_before: of(year_2016()),
        register: crate::fixture::REGISTER.into(),
        sources: Vec::new(),
        losses: Vec::new(),
        secret: String::new(),
        public: Outcome::Unchanged,
    };
    (sealed.seal(None), sealed)
}

#[test]
fn a_restatement_says_which_figures_it_moved() {
    let (seal, first) = closed();
    assert_eq!(seal.open().unwrap(), first);
    let mut second = crate::SealedYear {
        sealed_at: "2018-03-01T09:00:00Z".into(),
        cause: "events came late".into(),
        ..first.clone()
    };
    let cell = &mut second.figures.people.usage[0];
    let (ente, category) = (cell.ente.clone(), cell.category.clone());
    cell.service_uses += 7;
    second.figures.people.devices[0].accesses -= 2;
    let next = second.seal(Some(&seal));
    let closings = [
        (crate::SealNote::of(&seal, &first), first.clone()),
        (crate::SealNote::of(&next, &second), second.clone()),
    ];
    let register = register();
    let of = |counted| {
        let closings = closings.iter();
        let figures = closings.map(|(note, sealed)| (note, sealed.figures.of(counted)));
        figures.collect::<Vec<_>>()
    };
    let moved = |counted, ente| crate::moved(&of(counted), ente, &register);
    let all = moved(Counted::People, None);
    let differences: Vec<i64> = all.iter().map(crate::Moved::difference).collect();
    assert_eq!(differences, [7, 7, 7, -2], "{all:?}");
    assert!(all.iter().all(|moved| moved.cause == "events came late"));
    let total = first.service_uses();
    assert_eq!((all[0].before, all[0].after), (total, total + 7));
    let json = serde_json::to_value(&all).unwrap();
    assert_eq!(json[1]["category"], *category);
    assert_eq!(json[2]["ente"], *ente);
    assert_eq!(moved(Counted::All, None), [], "bots were counted as before");
    let own = moved(Counted::People, Some("c_d612"));
    let own: Vec<i64> = own.iter().map(crate::Moved::difference).collect();
    assert_eq!(own, [7, 7], "the total and the category");

    let zone = Zone::default();
    let question = ReportRequest {
        period: ReportPeriod::of_year(2017),
        counted: Counted::People,
        ente: None,
        register: &register,
        zones: std::slice::from_ref(&zone),
    };
    let report = Report::sealed(
        &closings[1].0,
        &second,
        &question,
        &second.figures.people,
        Some((2016, &second.figures_before.people)),
    );
    let report = report.with_closings(&of(Counted::People), &question);
    let text = report.to_text(Language::IT, 120);
    assert!(text.contains("Cifre rettificate"), "{text}");
    assert!(text.contains("events came late"), "{text}");
}

#[test]
fn figures_divided_by_ente_give_the_same_reports() {
    let (register, zone) = (register(), Zone::default());
    let (now, before) = (year_2017(), year_2016());
    let divided = [&now, &before].map(|year| FiguresByEnte::new(year, &register));
    for ente in register.enti() {
        let question = ReportRequest {
            period: ReportPeriod::of_year(2017),
            counted: Counted::People,
            ente: Some(ente.code()),
            register: &register,
            zones: std::slice::from_ref(&zone),
        };
        let [own, own_before] = divided.each_ref().map(|figures| figures.of(ente.code()));
        assert_eq!(
            Report::build(&question, own, Some((2016, own_before))),
            Report::build(&question, &now, Some((2016, &before))),
        );
    }
}

#[test]
fn one_ente_has_its_own_figures_only() {
    let (register, zone) = (register(), Zone::default());
    let question = ReportRequest {
        period: ReportPeriod::of_year(2017),
        counted: Counted::People,
        ente: Some("um_mugello"),
        register: &register,
        zones: std::slice::from_ref(&zone),
    };
    let (now, before) = (year_2017(), year_2016());
    let report = Report::build(&question, &now, Some((2016, &before)));
    assert_eq!(report.totals.kinds.service_uses, 1_898);
    assert_eq!(report.totals.compared_service_uses, None);
    assert_eq!((report.devices.accesses, report.offered.total), (11_000, 1));
    let kinds = report.portals.kinds.iter();
    let kinds: Vec<_> = kinds
        .map(|row| (row.portal_kind, row.accesses, row.visitors_days))
        .collect();
    assert_eq!(kinds, [("civic", 1_000, 600), ("services", 10_000, 4_000)]);
    assert_eq!(
        report.portals.civic_residents, None,
        "the union names no members"
    );
    assert_eq!(report.usage.enti.len(), 1);
    assert!(report.usage.enti_without.is_empty());
    let office = &report.hours.bands[1];
    assert_eq!((office.band, office.users_hours), ("office", 3_650));
    let status: Vec<_> = report
        .service_status
        .iter()
        .map(|row| (&*row.name.service, row.status))
        .collect();
    assert_eq!(status, [("certificati", Some(Status::New))]);
    let text = report.to_text(Language::IT, 80);
    assert!(
        text.contains("Unione montana dei Comuni del Mugello"),
        "{text}"
    );
}

/// Returns the status of `certificati` in Firenze, which is deployed all year, for these uses of
/// 2017 and 2016.
fn status(now: ([u64; 3], &str), before: Option<([u64; 3], &str)>) -> Option<Status> {
    status_of(ReportPeriod::of_year(2017), now, before)
}

fn status_of(
    period: ReportPeriod,
    now: ([u64; 3], &str),
    before: Option<([u64; 3], &str)>,
) -> Option<Status> {
    let figures = |(counts, last_day): ([u64; 3], &str)| {
        let mut figures = YearFigures::default();
        let of = ["anagrafe", "plain"];
        let row = crate::fixture::tried("c_d612", "certificati", of, counts, last_day);
        figures
            .usage
            .push(cell("c_d612", "anagrafe", "plain", counts[0]));
        figures.detail.services.push(row);
        figures
    };
    let (register, zone) = (register(), Zone::default());
    let question = ReportRequest {
        period,
        counted: Counted::People,
        ente: Some("c_d612"),
        register: &register,
        zones: std::slice::from_ref(&zone),
    };
    let before = before.map(figures);
    let before = before.as_ref().map(|figures| (2016, figures));
    let report = Report::build(&question, &figures(now), before);
    let mut rows = report.service_status.iter();
    rows.find(|row| row.name.service == "certificati")
        .and_then(|row| row.status)
}

#[test]
fn services_are_unused_or_broken_by_what_the_method_says() {
    let year = Some(([100, 0, 0], "2016-12-30"));
    let summer = Some(([100, 0, 0], "2016-07-30"));
    assert_eq!(status(([50, 0, 0], "2017-12-01"), year), None);
    assert_eq!(status(([0, 0, 0], ""), year), Some(Status::Unused));
    assert_eq!(status(([0, 0, 1], ""), year), None, "it was tried");
    assert_eq!(
        status(([0, 0, 0], ""), None),
        None,
        "it was not used before"
    );
    assert_eq!(
        status(([4, 0, 6], "2017-12-01"), year),
        Some(Status::Broken)
    );
    assert_eq!(
        status(([5, 0, 5], "2017-12-01"), year),
        None,
        "a half is not more than half"
    );
    assert_eq!(status(([0, 0, 9], ""), year), None, "too few attempts");
    assert_eq!(
        status(([12, 0, 0], "2017-09-30"), year),
        Some(Status::Broken)
    );
    assert_eq!(status(([12, 0, 0], "2017-10-01"), year), None);
    assert_eq!(
        status(([11, 0, 0], "2017-05-01"), year),
        None,
        "too few uses"
    );
    assert_eq!(
        status(([12, 0, 0], "2017-06-30"), summer),
        None,
        "it is of the summer"
    );
}

#[test]
fn a_service_is_broken_by_a_pause_only_if_a_month_of_autumn_has_passed() {
    let before = Some(([100, 0, 0], "2016-10-31"));
    for (until, expected) in [
        ("2017-10-05", None),
        ("2017-10-31", None),
        ("2017-11-01", Some(Status::Broken)),
    ] {
        let period = ReportPeriod::of_year(2017).until(until.parse().unwrap());
        let found = status_of(period, ([90, 0, 0], "2017-09-29"), before);
        assert_eq!(found, expected, "{until}");
    }
}

#[test]
fn silences_and_shifts_are_told() {
    let mut figures = year_2017();
    let detail = &mut figures.detail;
    detail.silences[0].silence_days = 3;
    let device = |day: &str, device: &str, accesses| affluenza_store::figures::DayUse {
        day: day.to_owned(),
        device: device.to_owned(),
        accesses,
        service_uses: 0,
    };
    detail.days = vec![
        device("2017-05-31", "desktop", 900),
        device("2017-05-31", "bot", 200),
        device("2017-06-01", "desktop", 700),
        device("2017-06-01", "bot", 400),
    ];
    let mut later = detail.rules[0].clone();
    later.rules = "2.r0".to_owned();
    later.first_day = "2017-06-01".to_owned();
    detail.rules.push(later);
    let zone = Zone::default();
    let report = built(2017, Counted::People, &figures, None, &register(), &zone);
    let notes = notes(&report, Language::IT);
    assert!(
        notes.contains("Firenze: nessun evento per 3 giorni dal 15 agosto 2017."),
        "{notes}"
    );
    let shift =
        "Dal 1º giugno 2017, con le regole 2.r0, la quota di accessi bot passa dal 18% al 36%.";
    assert!(notes.contains(shift), "{notes}");
}

/// Reads the example figures of other sources.
fn source(kind: &str) -> FigureSet {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/figures/");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}{name}"));
    let set = sources::read_set(&read(&format!("{kind}.toml")).unwrap(), |name| {
        read(name).map_err(|error| SourceError::Rows(error.to_string()))
    });
    set.unwrap()
}

/// Names of the example figures.
const SOURCES: [&str; 8] = [
    "active-services",
    "data-centre-support",
    "help-desk",
    "identity-credentials",
    "infrastructure",
    "portfolio",
    "probe-alerts",
    "service-levels",
];

/// Returns a report with all example figures of other sources.
pub(crate) fn report_with_sources() -> Report {
    let register = Register::parse(EXAMPLE).unwrap();
    let zone = Zone::default();
    let report = built(2017, Counted::People, &year_2017(), None, &register, &zone);
    report.with_sources(&SOURCES.map(source), &register)
}

#[test]
fn every_table_of_the_source_report_is_printed_as_it_is_given() {
    let register = Register::parse(EXAMPLE).unwrap();
    for set in SOURCES.map(source) {
        let stored = FigureSet::from_json(&set.to_json()).unwrap();
        assert_eq!(stored, set);
    }
    assert_eq!(sources::check(&source("portfolio"), &register), []);
    let report = report_with_sources();
    let document = Document::new(&report, Language::IT);
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    let tables = blocks.filter_map(|block| match block {
        Block::Table(table) => Some(table),
        _ => None,
    });
    let rows = tables.flat_map(|table| table.rows.iter().chain(&table.sums));
    let rows = rows.map(|row| {
        let cells: Vec<String> = row.iter().map(|cell| cell.show(Language::IT)).collect();
        cells
            .join(" ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    });
    let rows: Vec<String> = rows.collect();
    for row in [
        "Barberino di Mugello • online • online • online … in corso",
        "SLA.2 Disponibilità del sistema LCMS CSICMS 98,50% 99,996% +1,496%",
        "SLA.6 Presa in carico della segnalazione, entro 1 ora lavorativa 1 ora lavorativa",
        "Backup 16,9 TB",
        "Sportello 2 10 non disponibile 3.233 87 3.330 99,7%",
        "Totale 5.369 116 5.495",
        "Elevato 1 giorno lavorativo Assistenza tecnica straordinaria",
        "Totale attive 68.018 11.060 16%",
    ] {
        assert!(
            rows.iter().any(|printed| printed.contains(row)),
            "{row}: {rows:?}"
        );
    }
    let is_missing = |block: &Block| *block == Block::Text("Non disponibile.".to_owned());
    let mut sections = document.sections.iter();
    assert!(!sections.any(|section| section.blocks.iter().any(is_missing)));
    let chapters = [
        "Portafoglio dei prodotti per ente",
        "Livelli di servizio (SLA)",
        "Infrastruttura",
        "Servizi attivi per ente, dati di altra fonte",
        "Credenziali di identità digitale",
        "Assistenza agli utenti",
        "Supporto ai CED degli enti",
        "Segnalazioni delle sonde di monitoraggio",
    ];
    let titles = document.sections.iter().map(|section| &*section.title);
    let titles: Vec<&str> = titles.filter(|title| chapters.contains(title)).collect();
    assert_eq!(titles, chapters);
}

/// Reads a table of one column of this type besides the names.
fn table_of(form: &str, cell: &str) -> Result<FigureSet, SourceError> {
    table_named("value", form, cell)
}

fn table_named(name: &str, form: &str, cell: &str) -> Result<FigureSet, SourceError> {
    let provenance = format!(
        r#"
        kind = "table"
        year = 2017
        source = "S"
        date = "2018-01-01"
        imported_by = "I"
        licence = "L"
        file = "rows.csv"
        [table]
        name = "t"
        title = {{ it = "T", en = "T" }}
        states.on = {{ it = "attivo", en = "on" }}
        columns = [
            {{ name = "item", type = "text", title = {{ it = "Voce", en = "Item" }} }},
            {{ name = "{name}", type = "{form}", title = {{ it = "V", en = "V" }} }},
        ]
        "#
    );
    sources::read_set(&provenance, |_| Ok(format!("item;value\na;{cell}\n")))
}

#[test]
fn a_cell_of_another_type_is_refused_with_its_line() {
    for (form, cell) in [
        ("count", "12"),
        ("decimal", "99,0"),
        ("percent", "+1.5%"),
        ("duration", "7 ms"),
        ("measure", "98%"),
        ("state", "on"),
        ("count", ""),
    ] {
        assert!(table_of(form, cell).is_ok(), "{form}: {cell}");
    }
    for (form, cell) in [
        ("count", "-1"),
        ("count", "1,5"),
        ("decimal", "7 ms"),
        ("percent", "7 ms"),
        ("duration", "7"),
        ("duration", "7 weeks"),
        ("measure", "many"),
        ("state", "off"),
    ] {
        let error = table_of(form, cell).unwrap_err().to_string();
        let place = format!("rows.csv: line 2, column \"value\": {cell:?} is not");
        assert!(error.starts_with(&place), "{error}");
    }
    let undescribed = table_named("worth", "count", "1").unwrap_err().to_string();
    let expected = "rows.csv: column \"value\" is not described";
    assert!(undescribed.starts_with(expected), "{undescribed}");
    let twice = table_named("item", "count", "1").unwrap_err().to_string();
    assert!(
        twice.contains("two columns have the name \"item\""),
        "{twice}"
    );
    let unknown = table_of("colour", "1").unwrap_err().to_string();
    assert!(unknown.starts_with("line 15, column"), "{unknown}");
}

#[test]
fn other_sources_are_read_kept_and_doubted() {
    let register = Register::parse(EXAMPLE).unwrap();
    let services = source("active-services");
    let stored = services.to_json();
    assert_eq!(FigureSet::from_json(&stored).unwrap(), services);
    // Earlier versions stored the kind under another name.
    let earlier = stored.replace("active-services", "portfolio");
    assert_eq!(FigureSet::from_json(&earlier).unwrap(), services);
    let doubts = sources::check(&services, &register);
    let fiesole = ImplausibleFigure::PartAboveTotal {
        of: "Fiesole".into(),
        part: "bookings".into(),
        count: 10,
        total: 9,
    };
    assert_eq!(doubts, [fiesole], "nothing but the source's own error");
    assert_eq!(
        sources::check(&source("identity-credentials"), &register),
        []
    );

    let changes = include_str!("../../../deploy/figures/printed_changes.csv");
    let doubts = sources::check_growth(changes).unwrap();
    assert_eq!(doubts.len(), 1);
    let sentence = doubts[0].sentence(Language::IT);
    assert_eq!(
        sentence,
        "Allarmi delle sonde: da 9.299 a 16.208 la variazione è +74%, non +43%."
    );

    let zone = Zone::default();
    let report = built(2017, Counted::People, &year_2017(), None, &register, &zone);
    let without = report.to_text(Language::IT, 100);
    assert!(
        without.contains("Segnalazioni delle sonde di monitoraggio\n\nNon disponibile."),
        "{without}"
    );
    let with = report.with_sources(&[source("probe-alerts")], &register);
    let with = with.to_text(Language::IT, 100);
    let is_total = |line: &str| line.contains("9.299  16.208") && line.ends_with("+74%");
    assert!(with.lines().any(is_total), "{with}");
    assert!(with.contains("Fonte: Centro Servizi Tecnologico"), "{with}");
}

/// Reads alerts of months from 1, in the years 2016 and 2017.
fn alerts(months: &[[&str; 2]]) -> FigureSet {
    let provenance = "kind = \"probe-alerts\"\nsource = \"s\"\ndate = \"2018-01-01\"\nimported_by = \"i\"\nlicence = \"l\"\nfile = \"f\"";
    let rows = (1..).zip(months);
    let rows = rows.map(|(month, [before, now])| format!("{month},{before},{now}\n"));
    let rows: String = rows.collect();
    let read = sources::read_set(provenance, |_| {
        Ok::<_, SourceError>(format!("month,2016,2017\n{rows}"))
    });
    read.unwrap()
}

#[test]
fn alerts_are_compared_for_the_same_months() {
    let register = register();
    let total = |set: &FigureSet| {
        let zone = Zone::default();
        let report = built(2017, Counted::People, &year_2017(), None, &register, &zone);
        let report = report.with_sources(std::slice::from_ref(set), &register);
        let document = Document::new(&report, Language::IT);
        let mut blocks = document.sections.iter().flat_map(|section| &section.blocks);
        let sums = blocks.find_map(|block| match block {
            Block::Table(table) if table.id == "alerts" => table.sums.first(),
            _ => None,
        });
        let cells = sums.unwrap().iter().map(|cell| cell.show(Language::IT));
        cells.collect::<Vec<String>>().join(" ")
    };
    let running = alerts(&[["100", "110"], ["200", "220"], ["400", ""]]);
    assert_eq!(total(&running), "Totale 300 330 +10%");
    let gap = alerts(&[["100", "110"], ["", "220"]]);
    assert_eq!(total(&gap), "Totale 100 330 n.d.");
}

#[test]
fn sources_of_other_years_are_not_named() {
    let register = register();
    let zone = Zone::default();
    let mut earlier = source("probe-alerts");
    earlier.provenance.source = "Earlier".into();
    let mut old = earlier.clone();
    let mut sets = vec![source("probe-alerts")];
    sets[0].figures.retain_years(|year| year == 2017);
    earlier.figures.retain_years(|year| year == 2016);
    if let sources::Figures::ProbeAlerts(rows) = &mut old.figures {
        rows.iter_mut().for_each(|row| row.year -= 2);
    }
    old.provenance.source = "Old".into();
    sets.extend([earlier, old]);
    let report = built(2017, Counted::People, &year_2017(), None, &register, &zone);
    let text = report
        .with_sources(&sets, &register)
        .to_text(Language::IT, 100);
    assert!(text.contains("Fonte: Earlier"), "{text}");
    assert!(!text.contains("Fonte: Old"), "{text}");
}

#[test]
fn help_desk_and_availability_are_read_and_shown_by_month() {
    let read = |name: &str| std::fs::read_to_string(format!("fixtures/{name}")).unwrap();
    let set = |kind: &str| {
        let provenance = read(&format!("{kind}.toml"));
        sources::read_set(&provenance, |file| Ok::<_, SourceError>(read(file))).unwrap()
    };
    let sets = [set("help-desk"), set("availability")];
    let kept = FigureSet::from_json(&sets[1].to_json()).unwrap();
    assert_eq!(kept, sets[1]);
    let (register, zone) = (register(), Zone::default());
    let report = built(2017, Counted::People, &year_2017(), None, &register, &zone);
    let report = report.with_sources(&sets, &register);
    assert_eq!(
        report.doubts,
        [],
        "what was solved may have been opened before"
    );
    let text = report.to_text(Language::IT, 100);
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let lines: Vec<Vec<String>> = text.lines().map(words).collect();
    for line in [
        "gennaio 120 112",
        "febbraio 96 101",
        "marzo 80 non disponibile",
        "Totale 296 non disponibile",
        "gennaio 99,95 99,5",
        "febbraio 98,7 99,5",
        "marzo 100 non disponibile",
    ] {
        assert!(lines.contains(&words(line)), "{line} in {text}");
    }
    let place = |line: &str| lines.iter().position(|found| *found == words(line));
    assert!(
        place("gennaio 120 112") < place("febbraio 96 101"),
        "{text}"
    );
}

#[test]
fn mistakes_in_help_desk_and_availability_are_named() {
    let refused = |kind: &str, rows: &str| {
        let provenance = format!(
            "kind = \"{kind}\"\nsource = \"s\"\ndate = \"2018-01-01\"\nimported_by = \"i\"\nlicence = \"l\"\nfile = \"f\""
        );
        let rows = rows.to_owned();
        let read = sources::read_set(&provenance, |_| Ok::<_, SourceError>(rows));
        read.unwrap_err().to_string()
    };
    for (kind, rows, said) in [
        (
            "help-desk",
            "year,month,opened,solved\n2017,0,5,5",
            "line 2, column \"month\": \"0\" is not a month from 1 to 12",
        ),
        (
            "help-desk",
            "year,month,opened,solved\n2017,1,,5",
            "line 2, column \"opened\": \"\" is not a whole number",
        ),
        (
            "help-desk",
            "year,month,opened,solved\n2017,1,5,5\n2017,01,6,6",
            "line 3: 2017-01 is there already: keep one of the two",
        ),
        (
            "availability",
            "year,month,available_percent,agreed_percent\n2017,1,100.1,",
            "line 2, column \"available_percent\": \"100.1\" is not a share from 0 to 100",
        ),
        (
            "availability",
            "year,month,available_percent,agreed_percent\n2017,1,NaN,",
            "line 2, column \"available_percent\": \"NaN\" is not a share from 0 to 100",
        ),
        (
            "availability",
            "year,month,available_percent\n2017,1,99",
            "column \"agreed_percent\" is missing: add it, empty where the source does not say",
        ),
    ] {
        assert_eq!(refused(kind, rows), format!("f: {said}"));
    }
}

#[test]
fn mistakes_in_other_sources_are_named() {
    let provenance = "kind = \"probe-alerts\"\nsource = \"s\"\ndate = \"2018-01-01\"\nimported_by = \"i\"\nlicence = \"l\"\nfile = \"f\"";
    let read = |provenance: &str, rows: &str| {
        let rows = rows.to_owned();
        sources::read_set(provenance, |_| Ok::<_, SourceError>(rows))
            .map_err(|error| error.to_string())
    };
    for (rows, said) in [
        (
            "month,2016\n13,5",
            "line 2, column \"month\": \"13\" is not a month from 1 to 12",
        ),
        (
            "month,2016\n1,-5",
            "line 2, column \"2016\": \"-5\" is not a whole number",
        ),
        (
            "month,2016\n1,5\n1,6",
            "line 3: month 1 is there already: keep one of the two",
        ),
        (
            "month,2016,2016\n1,5,6",
            "line 1: column \"2016\" is there already: keep one of the two",
        ),
        (
            "month,2016\n1,5,6",
            "line 2: it has 3 fields, but the first line has 2: put quotes around a text that contains the separator",
        ),
        (
            "month,2016\n1,\"5\n2,6\n",
            "line 2: a text has a line break or another control character: close the quotes (\")",
        ),
        (
            "month,17\n1,5",
            "the year 17 is not from 1900 to 2018, the year of the source's date",
        ),
        (
            "year,2016\n1,5",
            "column \"month\" is missing: add it, empty where the source does not say",
        ),
        (
            "month,2016\n",
            "there are no rows: an absent source needs no file",
        ),
    ] {
        assert_eq!(read(provenance, rows).unwrap_err(), format!("f: {said}"));
    }
    // As Excel writes it.
    let set = read(provenance, "sep=;\r\nMonth;2016;;\r\n1;5;;\r\n;;;\r\n").unwrap();
    assert_eq!(set.figures.len(), 1);
    // A missing value of the source is not zero.
    let set = read(provenance, "month,2016,2017\n1,,7").unwrap();
    assert_eq!(set.figures.len(), 1);
    let unknown = read(&provenance.replace("probe-alerts", "x"), "").unwrap_err();
    assert!(unknown.starts_with("unknown kind \"x\": use "), "{unknown}");
    let day = read(&provenance.replace("2018-01-01", "1/1/2018"), "").unwrap_err();
    assert!(day.contains("is not like 2018-03-01"), "{day}");
}
