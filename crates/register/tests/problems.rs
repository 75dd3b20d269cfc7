//! Tests that all problems are reported at once, each with its position and its remedy.

use affluenza_register::{Fault, Kind, Register};
use jiff::civil::date;
use proptest::prelude::*;

const GOOD: &str = r#"
[[category]]
code = "a"
name_it = "A"
name_en = "A"

[[category]]
code = "b"
name_it = "B"
name_en = "B"

[[ente]]
code = "old"
name = "Vecchio"
kind = "comune"
valid_to = 2019-01-01
successor = "new"

[[ente]]
code = "new"
name = "Nuovo"
kind = "comune"
zone = "Europe/London"
population = { inhabitants = 1000, year = 2021 }

[[service]]
code = "moved"
name_it = "Spostato"
category = [{ code = "a", valid_to = 2018-01-01 }, { code = "b", valid_from = 2018-01-01 }]

[[service]]
code = "pay"
name_it = "Paga"
category = "a"
nature = "payment"
valid_from = 2017-02-01

[[portal]]
code = "p"
name = "P"
ente = "new"
source = "https://p.example"

[deployments.old]
moved = [{ valid_to = 2017-01-01 }, { valid_from = 2017-06-01, nature = "booking" }]
pay = {}
"#;

fn faults(text: &str) -> Vec<String> {
    Register::parse(text)
        .expect_err("the text has a mistake")
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Replaces `from` by `to` in the good register and returns its faults.
fn faults_with(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    faults(&GOOD.replacen(from, to, 1))
}

#[test]
fn a_good_register_answers_by_date() {
    let register = Register::parse(GOOD).unwrap();
    let old = register.ente("old").unwrap();
    let new = register.ente(old.successor().unwrap()).unwrap();
    assert_eq!(new.population().unwrap().inhabitants, 1000);
    let moved = register.service("moved").unwrap();
    assert_eq!(moved.category_on(date(2017, 12, 31)).code(), "a");
    assert_eq!(moved.category_on(date(2018, 1, 1)).code(), "b");
    let pay = register.service("pay").unwrap();
    for (service, day, expected) in [
        (moved, date(2016, 12, 31), true),
        (moved, date(2017, 1, 1), false),
        (moved, date(2017, 6, 1), true),
        (moved, date(2019, 1, 1), false),
        (pay, date(2017, 1, 31), false),
        (pay, date(2017, 2, 1), true),
    ] {
        assert_eq!(register.deployed(old, service, day), expected, "{day}");
    }
    assert!(!register.deployed(new, pay, date(2018, 1, 1)));
    let natures: Vec<_> = register
        .deployments()
        .filter(|one| one.ente.code() == old.code() && one.service.code() == moved.code())
        .map(|deployment| deployment.nature)
        .collect();
    assert_eq!(natures, [Kind::Plain, Kind::Booking]);
    let portal = register.portal(new, "p").unwrap();
    assert_eq!(portal.zone().name(), "Europe/London");
    assert!(register.portal(old, "p").is_none());
}

#[test]
fn one_mistake_is_one_line_with_place_and_remedy() {
    for (from, to, expected) in [
        (
            "category = \"a\"",
            "category = \"x\"",
            "line 31: service \"pay\": category \"x\" does not exist: add a [[category]] with this code, or correct it",
        ),
        (
            "code = \"pay\"",
            "code = \"p ay\"",
            "service \"p ay\": the code must be 1 to 64 letters",
        ),
        (
            "successor = \"new\"",
            "successor = \"none\"",
            "line 12: ente \"old\": successor \"none\" does not exist",
        ),
        (
            "successor = \"new\"",
            "successor = \"old\"",
            "its successors form a cycle",
        ),
        (
            "valid_to = 2019-01-01\n",
            "",
            "it has a successor but no valid_to",
        ),
        (
            "name = \"Nuovo\"",
            "name = \"Nuovo\"\nvalid_from = 2019-01-02",
            "ente \"old\": its successor \"new\" is not valid on 2019-01-01",
        ),
        (
            "name = \"Nuovo\"",
            "name = \"Nu\\novo\"",
            "ente \"new\": name has a line break",
        ),
        (
            "name = \"Nuovo\"",
            "name = \"Nuovo\"\naliases = [\"a\\u0000b\"]",
            "ente \"new\": aliases has a line break or another control character",
        ),
        (
            "valid_to = 2019-01-01",
            "valid_to = 2019-01-01T00:00:00Z",
            "valid_to is 2019-01-01T00:00:00Z: write a date without a time",
        ),
        (
            "valid_from = 2017-02-01",
            "valid_from = 2017-02-01\nvalid_to = 2017-01-01",
            "valid_to 2017-01-01 is not after valid_from 2017-02-01",
        ),
        (
            "name = \"Nuovo\"",
            "name = \" \"",
            "ente \"new\": name is empty",
        ),
        (
            "name = \"Nuovo\"",
            "nome = \"Nuovo\"\nname = \"Nuovo\"",
            "unknown field `nome`",
        ),
        ("kind = \"comune\"\nzone", "zone", "missing field `kind`"),
        (
            "name = \"Nuovo\"",
            "name = \"Nuovo\"\naliases = [\"OLD\"]",
            "already names \"old\"",
        ),
        (
            "name = \"Nuovo\"",
            "name = \"Nuovo\"\naliases = [\"...\"]",
            "has neither a letter nor a digit",
        ),
        ("Europe/London", "Europe/Londra", "is no IANA time zone"),
        (
            "valid_from = 2018-01-01",
            "valid_from = 2018-02-01",
            "must follow each other without gap or overlap",
        ),
        (
            "valid_from = 2017-06-01",
            "valid_from = 2016-06-01",
            "deployments \"old.moved\": two periods overlap on 2016-06-01",
        ),
        (
            "pay = {}",
            "pay = { valid_to = 2017-01-01 }",
            "there is no day on which",
        ),
        (
            "pay = {}",
            "pays = {}",
            "deployments \"old.pays\": service \"pays\" does not exist",
        ),
        (
            "[deployments.old]",
            "[deployments.ol]",
            "ente \"ol\" does not exist",
        ),
        (
            "ente = \"new\"",
            "ente = \"nuova\"",
            "portal \"p\": ente \"nuova\"",
        ),
        (
            "pay = {}",
            "pay = { nature = \"gift\" }",
            "unknown variant `gift`",
        ),
        (
            "source = \"https://p.example\"",
            "source = \"https://p.example\"\nkind = \"shop\"",
            "portal \"p\": unknown variant `shop`, expected one of `civic`, `services`, `app`",
        ),
        (
            "name = \"Nuovo\"",
            "name = \"Nuovo\"\nmembers = [\"old\"]",
            "ente \"new\": a comune has no members",
        ),
        ("[[portal]]", "[[portals]]", "unknown field `portals`"),
        ("name_en = \"A\"", "name_en = 1", "category \"a\": "),
    ] {
        let found = faults_with(from, to);
        assert!(
            found.iter().any(|fault| fault.contains(expected)),
            "{to}: expected {expected:?} in {found:#?}"
        );
        for fault in &found {
            assert!(!fault.contains('\n'), "{fault}");
            assert!(fault.starts_with("line "), "{fault}");
        }
    }
}

#[test]
fn all_mistakes_are_listed_at_once_in_the_order_of_the_text() {
    let text = GOOD
        .replace("category = \"a\"", "category = \"x\"")
        .replace("Europe/London", "Mars")
        .replace("pay = {}", "pays = {}")
        .replace("name_it = \"B\"", "name_it = 7");
    let found = faults(&text);
    // References to the unreadable category are not reported.
    assert_eq!(found.len(), 4, "{found:#?}");
    let lines: Vec<u32> = found
        .iter()
        .map(|fault| fault[5..fault.find(':').unwrap()].parse().unwrap())
        .collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

const UNION: &str = r#"
[[ente]]
code = "uc"
name = "Unione"
kind = "unione"
members = ["west", "east"]

[[ente]]
code = "west"
name = "Ovest"
kind = "comune"
population = { inhabitants = 900, year = 2011, source = "Istat" }

[[ente]]
code = "east"
name = "Est"
kind = "comune"
population = { inhabitants = 300, year = 2021, source = "Istat" }

[[ente]]
code = "cm"
name = "Metropoli"
kind = "citta-metropolitana"
population = { inhabitants = 5000, year = 2021 }
"#;

#[test]
fn a_union_has_the_residents_of_its_members_and_none_counts_twice() {
    let register = Register::parse(UNION).unwrap();
    let union = register.ente("uc").unwrap();
    assert_eq!(union.members(), ["east", "west"]);
    let population = union.population().unwrap();
    assert_eq!((population.inhabitants, population.year), (1200, 2011));
    assert_eq!(population.source.as_deref(), Some("Istat"));
    assert_eq!(register.residents(register.enti()), Some(1200));
    assert_eq!(register.residents([union].into_iter()), Some(1200));
    let west = register.ente("west").unwrap();
    assert_eq!(register.residents([union, west].into_iter()), Some(1200));
    assert_eq!(west.file_stem(), "ovest_west");
    assert_eq!(register.residents([west].into_iter()), Some(900));
    let metropolis = register.ente("cm").unwrap();
    assert_eq!(register.residents([metropolis].into_iter()), None);
    let unions: Vec<&str> = register.unions_of(west).map(|ente| ente.code()).collect();
    assert_eq!(unions, ["uc"]);

    // The two merge in 2019: both predecessors end, and their successor has all residents.
    let merged = UNION
        .replace("[\"west\", \"east\"]", "[\"west\", \"east\", \"both\"]")
        .replace(
            "kind = \"comune\"",
            "kind = \"comune\"\nvalid_to = 2019-01-01\nsuccessor = \"both\"",
        );
    let both = "[[ente]]\ncode = \"both\"\nname = \"Insieme\"\nkind = \"comune\"\nvalid_from = 2019-01-01\npopulation = { inhabitants = 1300, year = 2021 }\n";
    let register = Register::parse(&format!("{merged}\n{both}")).unwrap();
    let union = register.ente("uc").unwrap();
    assert_eq!(union.population().unwrap().inhabitants, 1300);
    assert_eq!(register.residents(register.enti()), Some(1300));
    let west = register.ente("west").unwrap();
    assert_eq!(register.residents([west].into_iter()), Some(900));

    let unknown = UNION.replace(
        "population = { inhabitants = 300, year = 2021, source = \"Istat\" }",
        "",
    );
    let register = Register::parse(&unknown).unwrap();
    assert!(register.ente("uc").unwrap().population().is_none());
    assert_eq!(register.residents(register.enti()), None);
}

#[test]
fn members_are_municipalities_listed_once() {
    for (members, expected) in [
        (
            "[\"west\", \"east\"]\npopulation = { inhabitants = 1, year = 2020 }",
            "its residents are those of its members",
        ),
        ("[\"west\", \"cm\"]", "its member \"cm\" is no comune"),
        (
            "[\"west\", \"west\"]",
            "its member \"west\" is listed twice",
        ),
        ("[\"north\"]", "members \"north\" does not exist"),
    ] {
        let found = faults(&UNION.replace("[\"west\", \"east\"]", members));
        assert!(found[0].contains(expected), "{found:?}");
    }
}

/// A year stays readable whose register was sealed before these faults were known.
#[test]
fn a_sealed_register_may_have_faults_that_hide_nothing() {
    for (from, to) in [
        (
            "name = \"Nuovo\"",
            "name = \"Nuovo\"\nvalid_from = 2019-01-02",
        ),
        ("name = \"Nuovo\"", "name = \"Nu\\novo\""),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert!(Register::parse(&text).is_err());
        assert!(Register::parse_sealed(&text).is_ok(), "{to}");
    }
    let dangling = GOOD.replace("successor = \"new\"", "successor = \"none\"");
    assert!(Register::parse_sealed(&dangling).is_err());
}

#[test]
fn two_enti_of_one_name_are_found_by_code_only() {
    let text = GOOD.replace("Nuovo", "Vecchio");
    let register = Register::parse(&text).unwrap();
    assert!(register.ente("Vecchio").is_none());
    assert_eq!(register.ente("new").unwrap().name(), "Vecchio");
}

#[test]
fn a_duplicate_names_the_entry_that_was_first() {
    let text = GOOD.replace("name = \"Nuovo\"", "name = \"Nuovo\"\nistat = \"o-l-d\"");
    let errors = Register::parse(&text).unwrap_err();
    let fault = &errors.problems()[0].fault;
    let Fault::Duplicate { other, .. } = fault else {
        panic!("{fault}");
    };
    assert_eq!(other, "old");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = Register::parse(&text);
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0usize..2000, byte in 0u8..128) {
        let mut text = GOOD.as_bytes().to_vec();
        let at = at % text.len();
        text[at] = byte;
        let _ = Register::parse(std::str::from_utf8(&text).unwrap());
    }

    #[test]
    fn every_spelling_of_a_code_is_found(upper in any::<[bool; 3]>(), dot in 0usize..4) {
        let register = Register::parse(GOOD).unwrap();
        let mut text: String = "old"
            .chars()
            .zip(upper)
            .map(|(letter, upper)| if upper { letter.to_ascii_uppercase() } else { letter })
            .collect();
        text.insert(dot, '.');
        prop_assert_eq!(register.ente(&text).unwrap().code(), "old");
    }
}

#[test]
fn dates_may_be_texts_as_the_schema_has_them() {
    let mut texts = GOOD.to_owned();
    for date in [
        "2019-01-01",
        "2018-01-01",
        "2017-02-01",
        "2017-01-01",
        "2017-06-01",
    ] {
        texts = texts.replace(date, &format!("\"{date}\""));
    }
    assert_ne!(texts, GOOD);
    let version = |text: &str| Register::parse(text).unwrap().version().to_owned();
    assert_eq!(version(&texts), version(GOOD));
    for (wrong, said) in [
        ("\"1 January 2019\"", "is no date, such as 2025-07-01"),
        ("\"2019-02-30\"", "no date"),
        ("2019", "expected a date such as 2025-07-01"),
    ] {
        let found = faults(&GOOD.replacen("2019-01-01", wrong, 1));
        assert!(found.iter().any(|fault| fault.contains(said)), "{found:?}");
    }
}
