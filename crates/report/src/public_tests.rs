//! The public edition, with cells hidden.

use affluenza_disclosure::{CountTable, Public, Secret, TableDimension, Threshold};
use affluenza_store::figures::YearFigures;

use crate::document::{Document, PublicEdition};
use crate::fixture::{register, year_2016, year_2017};
use crate::tests::report;
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
        let service = format!("of-{}", row.category);
        table.add_to(
            1,
            ["", &row.category, "", &service, "", ""],
            row.service_uses,
        );
    }
    table.suppress(SMALL, &SECRET, &[]).unwrap()
}

fn accesses() -> Public<4> {
    let dimensions = ["device", "month", "weekday", "hour"].map(TableDimension::flat);
    let mut table = CountTable::linked(dimensions, &[&["device", "month"], &["hour"]]);
    for (device, month, hour, count) in [
        ("desktop", "2017-01", "office 09", 610_000),
        ("smartphone", "2017-01", "office 10", 300_000),
        ("tablet", "2017-02", "evening 20", 89_000),
        ("other", "2017-02", "night 03", 7),
    ] {
        table.add_to(0, [device, month, "", ""], count);
        table.add_to(1, ["", "", "", hour], count);
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

#[test]
fn public_edition_in_italian() {
    insta::assert_snapshot!(printed(Language::IT, true));
}

#[test]
fn public_edition_in_english_without_users() {
    insta::assert_snapshot!(printed(Language::EN, false));
}
