//! The public edition, with cells hidden.

use affluenza_classify::hours::Zone;
use affluenza_disclosure::edition::{ClosedPeriod, OpenMonth, Outcome, PublicYear};
use affluenza_disclosure::{Count, CountTable, Public, Secret, TableDimension, Threshold};
use affluenza_register::Register;
use affluenza_store::figures::{Counted, MonthUse, YearFigures};
use affluenza_store::open::OpenFigures;

use crate::document::{Block, Cell, Document, PublicEdition, PublicMonth};
use crate::fixture::{cell, register, year_2016, year_2017};
use crate::print::pages;
use crate::tables::EnteUses;
use crate::tests::report;
use crate::{Report, ReportPeriod, ReportRequest};
use affluenza_words::Language;

const SMALL: Threshold = Threshold { k: 10 };
const SECRET: Secret = Secret([7; 32]);

fn uses(year: i16, figures: &YearFigures) -> Public<6> {
    let dimensions = ["ente", "category", "kind", "service", "month", "hour"];
    let mut table = CountTable::linked(
        dimensions.map(TableDimension::flat),
        &[
            &["ente", "category", "kind"],
            &["category", "service"],
            &["month"],
        ],
    );
    for row in &figures.usage {
        let labels = [&*row.ente, &*row.category, &*row.kind, "", "", ""];
        table.add_to(0, labels, row.service_uses);
        let month = if row.category == "sport" { 2 } else { 1 };
        let month = format!("{year}-{month:02}");
        table.add_to(2, ["", "", "", "", &month, ""], row.service_uses);
        let service = match &*row.category {
            "anagrafe" => "certificati",
            "sicurezza" => "multe",
            "sport" => "piscine",
            _ => "nuovo-servizio",
        };
        let labels = ["", &*row.category, "", service, "", ""];
        table.add_to(1, labels, row.service_uses);
    }
    table.suppress(SMALL, &SECRET, &[]).unwrap()
}

fn accesses() -> Public<5> {
    let dimensions = ["portal_kind", "device", "month", "weekday", "hour"];
    let dimensions = dimensions.map(TableDimension::flat);
    let tables: [&[&str]; 2] = [&["portal_kind", "device", "month"], &["hour"]];
    let mut table = CountTable::linked(dimensions, &tables);
    for (kind, device, month, hour, count) in [
        ("services", "desktop", "2017-01", "office 09", 610_000),
        ("services", "smartphone", "2017-01", "office 10", 300_000),
        ("civic", "tablet", "2017-02", "evening 20", 89_000),
        ("services", "other", "2017-02", "night 03", 7),
    ] {
        table.add_to(0, [kind, device, month, "", ""], count);
        table.add_to(1, ["", "", "", "", hour], count);
    }
    table.suppress(SMALL, &SECRET, &[]).unwrap()
}

/// Prints the public edition, with every cell of every table.
fn printed(language: Language, has_users: bool) -> String {
    let (now, before) = (uses(2017, &year_2017()), uses(2016, &year_2016()));
    let edition = PublicEdition {
        small_count: SMALL.k,
        uses: &now,
        uses_before: Some(&before),
        accesses: &accesses(),
        has_users,
    };
    let document = Document::public(&report(), edition, &register(), language);
    document.to_text(120)
}

/// Returns the rows of the table of uses by ente and category.
fn usage_rows(document: &Document) -> &Vec<Vec<Cell>> {
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    let mut tables = blocks.filter_map(|block| match block {
        Block::Table(table) if table.id == "usage" => Some(&table.rows),
        _ => None,
    });
    tables.next().unwrap()
}

#[test]
fn others_of_many_enti_hide_what_their_rows_hide() {
    let mut year = year_2017();
    for ente in 0..60_u64 {
        let name = format!("e{ente:02}");
        year.usage
            .push(cell(&name, "anagrafe", "plain", 1_000 + ente));
        year.usage.push(cell(&name, "sport", "booking", 20 + ente));
    }
    year.usage.push(cell("e30", "sicurezza", "payment", 3));
    let now = uses(2017, &year);
    let edition = PublicEdition {
        small_count: SMALL.k,
        uses: &now,
        uses_before: None,
        accesses: &accesses(),
        has_users: false,
    };
    let mut whole = Document::public(&report(), edition, &register(), Language::EN);
    whole.enti = 60;
    let short = whole.printed();
    let (all, (others, kept)) = (usage_rows(&whole), usage_rows(&short).split_last().unwrap());
    let cut: Vec<&Vec<Cell>> = all.iter().filter(|row| !kept.contains(row)).collect();
    assert!((1..all.len()).contains(&cut.len()));
    let mut hidden = 0;
    for (place, sum) in others.iter().enumerate().skip(1) {
        let is_hidden = cut.iter().any(|row| row[place] == Cell::Suppressed);
        assert_eq!(*sum == Cell::Suppressed, is_hidden, "column {place}");
        hidden += usize::from(is_hidden);
    }
    assert!(hidden > 0);
}

/// Returns the sentences on the first page.
fn findings(document: &Document) -> Vec<&str> {
    let blocks = document.sections[0].blocks.iter();
    let findings = blocks.filter_map(|block| match block {
        Block::Findings(findings) => Some(findings),
        _ => None,
    });
    findings.flatten().map(|line| &*line.sentence).collect()
}

/// The web pages know no other figures than the published ones, and state the same findings.
#[test]
fn sentences_of_the_pages_are_those_of_the_first_page() {
    let (now, before) = (uses(2017, &year_2017()), uses(2016, &year_2016()));
    let edition = PublicEdition {
        small_count: SMALL.k,
        uses: &now,
        uses_before: Some(&before),
        accesses: &accesses(),
        has_users: false,
    };
    let register = register();
    let mut question = ReportRequest {
        period: ReportPeriod::of_year(2017),
        counted: Counted::People,
        ente: None,
        register: &register,
        zones: &[Zone::default()],
    };
    let document = Document::public(&report(), edition, &register, Language::EN);
    let sentences = edition.sentences(&question, Some(2016), Language::EN);
    assert_eq!(sentences, findings(&document));
    assert!(!sentences.is_empty());

    question.ente = Some("c_d612");
    let own = edition.sentences(&question, Some(2016), Language::EN);
    assert!(own[0].starts_with("Uses "), "{own:?}");
    let alone = PublicEdition {
        uses_before: None,
        ..edition
    };
    assert_eq!(alone.sentences(&question, None, Language::EN).len(), 0);
}

#[test]
fn the_public_report_of_an_ente_with_few_uses_has_one_page() {
    let register = Register::parse(include_str!("../../../deploy/register.toml")).unwrap();
    let [now, before] = [84, 126].map(|uses| YearFigures {
        usage: vec![cell("c_e971", "anagrafe", "plain", uses)],
        ..YearFigures::default()
    });
    let [uses, uses_before] = [uses(2017, &now), uses(2016, &before)];
    let edition = PublicEdition {
        small_count: SMALL.k,
        uses: &uses,
        uses_before: Some(&uses_before),
        accesses: &accesses(),
        has_users: false,
    };
    let question = ReportRequest {
        period: ReportPeriod::of_year(2017),
        counted: Counted::People,
        ente: Some("c_e971"),
        register: &register,
        zones: &[Zone::default()],
    };
    let report = Report::build(&question, &now, Some((2016, &before)));
    let report = report.with_peers(&EnteUses::published(&uses, &register), &register);
    for language in [Language::IT, Language::EN] {
        let document = Document::public(&report, edition, &register, language);
        assert_eq!(pages(&document), 1);
    }
}

#[test]
fn findings_rest_on_shown_counts() {
    // The service stopped in the year: 7 uses of 2017 are hidden, 5,000 of 2016 are not.
    let mut before = year_2016();
    before.usage.push(cell("c_d612", "sport", "booking", 5_000));
    let (now, before) = (uses(2017, &year_2017()), uses(2016, &before));
    let sport = [None, Some("sport"), None, Some("piscine"), None, None];
    assert_eq!(now.cell(sport), Count::Hidden);
    assert_eq!(before.cell(sport), Count::Shown(5_000));
    let edition = PublicEdition {
        small_count: SMALL.k,
        uses: &now,
        uses_before: Some(&before),
        accesses: &accesses(),
        has_users: false,
    };
    let document = Document::public(&report(), edition, &register(), Language::EN);
    let told = findings(&document);
    assert!(told[0].contains("“Certificates” (+31,"), "{told:?}");
    assert!(!told.concat().contains("piscine"), "{told:?}");
    // The category of the service may have moved most, and its count is hidden.
    let labels = [None, Some("sport"), None, None, None, None];
    assert_eq!(now.cell(labels), Count::Hidden);
    let moves = document.sections.iter().find(|one| one.id == "moves");
    assert_eq!(moves.unwrap().statement, None);
    let whole = report();
    let internal = Document::new(&whole, Language::EN);
    assert_ne!(findings(&internal), told);
}

#[test]
fn a_service_in_another_category_than_before_is_one_service() {
    let table = |rows: &[(&str, &str, u64)]| {
        let dimensions = ["ente", "category", "kind", "service", "month", "hour"];
        let tables: [&[&str]; 2] = [&["ente", "category", "kind"], &["category", "service"]];
        let mut table = CountTable::linked(dimensions.map(TableDimension::flat), &tables);
        for (category, service, uses) in rows {
            table.add_to(0, ["c_d612", category, "plain", "", "", ""], *uses);
            table.add_to(1, ["", category, "", service, "", ""], *uses);
        }
        table.suppress(SMALL, &SECRET, &[]).unwrap()
    };
    let now = table(&[
        ("sport", "piscine", 3_000),
        ("anagrafe", "certificati", 7_500),
    ]);
    let before = table(&[
        ("anagrafe", "piscine", 3_000),
        ("anagrafe", "certificati", 7_000),
    ]);
    let edition = PublicEdition {
        small_count: SMALL.k,
        uses: &now,
        uses_before: Some(&before),
        accesses: &accesses(),
        has_users: false,
    };
    let document = Document::public(&report(), edition, &register(), Language::EN);
    let told = findings(&document);
    assert!(told[0].contains("“Certificates” (+500)"), "{told:?}");
}

/// Closes March of a year with uses of two enti, and accesses by two devices.
fn march(year: i16, uses: [u64; 2], accesses: [u64; 2]) -> PublicYear {
    let row = |ente: &str, device: &str, accesses, service_uses| MonthUse {
        ente: ente.to_owned(),
        month: 3,
        device: device.to_owned(),
        portal_kind: "services".to_owned(),
        accesses,
        service_uses,
    };
    let figures = OpenFigures {
        months: vec![
            row("c_d612", "desktop", accesses[0], uses[0]),
            row("um_mugello", "smartphone", accesses[1], uses[1]),
        ],
        ..OpenFigures::default()
    };
    let period = ClosedPeriod::month(year, 3);
    let month = OpenMonth {
        period,
        figures: &figures,
        editions: &[],
    };
    let Ok(Outcome::Edition(decided)) = Outcome::decide_month(month, SMALL, &SECRET) else {
        panic!("the month cannot be protected");
    };
    PublicYear::of(period, &figures, &decided).unwrap()
}

#[test]
fn findings_of_a_month_rest_on_its_shown_counts() {
    let sentences = |ente, now: &PublicYear, before: Option<&PublicYear>| {
        let question = ReportRequest {
            period: "2017-03".parse().unwrap(),
            counted: Counted::People,
            ente,
            register: &register(),
            zones: &[Zone::default()],
        };
        let month = PublicMonth {
            month: 3,
            now,
            before,
        };
        month.sentences(&question, Language::EN)
    };
    let now = march(2017, [6_000, 2_000], [4_000, 6_000]);
    let before = march(2016, [3_000, 1_000], [5_000, 5_000]);
    let told = sentences(None, &now, Some(&before));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("from 4,000 to 8,000"), "{told:?}");
    assert!(told[1].contains("6,000 of 10,000 visits"), "{told:?}");
    let told = sentences(Some("um_mugello"), &now, Some(&before));
    assert!(told.concat().contains("from 1,000 to 2,000"), "{told:?}");
    assert_eq!(sentences(Some("c_d612"), &now, None), Vec::<String>::new());
    // Three uses are hidden, and with them those of the other ente.
    let hidden = march(2017, [6_000, 3], [4_000, 0]);
    for ente in ["c_d612", "um_mugello"] {
        let told = sentences(Some(ente), &hidden, Some(&before));
        assert_eq!(told, Vec::<String>::new(), "{ente}");
    }
}

#[test]
fn public_edition_in_italian() {
    insta::assert_snapshot!(printed(Language::IT, true));
}

#[test]
fn public_edition_in_english_without_users() {
    insta::assert_snapshot!(printed(Language::EN, false));
}
