//! Checks that the rules change only together with their version.

use std::fmt::Write;

use xxhash_rust::xxh3::xxh3_64;

use super::rules::{self, MARKS, RULES};
use super::token::Token;
use super::{Hints, RULES_VERSION, classify};

const CORPUS: &str = include_str!("../../tests/fixtures/user_agents.tsv");
const FAMILIES: &str = include_str!("../../tests/fixtures/families.tsv");
const VERSIONS: &str = include_str!("../../tests/fixtures/rules_versions.txt");

/// All tables, and all verdicts on the corpora, as text.
fn everything() -> String {
    let mut text = String::new();
    for rule in RULES.iter() {
        let (all, either, unless) = (rule.all, rule.either, rule.unless);
        writeln!(
            text,
            "{} {:?} {all:?} {either:?} {unless:?} {}",
            rule.id, rule.says, rule.by_convention
        )
        .unwrap();
        write_tokens(&mut text, rule.any);
    }
    for (mark, tokens) in MARKS {
        writeln!(text, "{mark:?}").unwrap();
        write_tokens(&mut text, tokens);
    }
    for id in rules::ids() {
        writeln!(text, "{id}").unwrap();
    }
    let of_corpus = CORPUS.lines().filter_map(|line| line.split('\t').next());
    let of_families = FAMILIES.lines().filter_map(|line| line.split('\t').nth(1));
    for agent in of_corpus.chain(of_families) {
        writeln!(text, "{:?}", classify(agent, &Hints::NONE)).unwrap();
    }
    text
}

fn write_tokens(text: &mut String, tokens: &[Token]) {
    for token in tokens {
        let Token {
            text: token_text,
            before,
            after,
            cased,
            at_start,
            shape,
        } = token;
        let shaped = shape.is_some();
        writeln!(
            text,
            "  {token_text:?} {before:?} {after:?} {cased} {at_start} {shaped}"
        )
        .unwrap();
    }
}

#[test]
fn rules_version() {
    let now = format!("{RULES_VERSION} {:016x}", xxh3_64(everything().as_bytes()));
    let versions: Vec<&str> = VERSIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(
        versions.last(),
        Some(&now.as_str()),
        "the rules changed: give RULES_VERSION a new value and add the line {now:?} to \
         tests/fixtures/rules_versions.txt (lines of versions in use are never edited)"
    );
    let mut names: Vec<_> = versions
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), versions.len(), "each version is there once");
}

#[test]
fn rule_names_are_unique_and_say_their_layer() {
    let mut names: Vec<_> = rules::ids().map(super::RuleId::as_str).collect();
    for name in &names {
        let (layer, rest) = name.split_once('.').expect("a layer and a name");
        assert!(
            ["bot", "other", "tablet", "phone", "desktop", "hint"].contains(&layer),
            "{name}"
        );
        assert!(
            rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{name}"
        );
    }
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn rule_names_are_read_back() {
    for rule in super::RuleId::all() {
        assert_eq!(rule.as_str().parse(), Ok(rule));
    }
    assert!("tablet.unheard-of".parse::<super::RuleId>().is_err());
}
