//! Recomputes every equation of the capacity guide.

use std::fs;

use super::top;

/// Difference between a printed and an exact result: results are rounded to two digits.
const ROUNDING: f64 = 0.05;
/// Words that multiply the number before them; other words are units.
const SCALES: [(&str, f64); 8] = [
    ("thousand", 1e3),
    ("million", 1e6),
    ("billion", 1e9),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("%", 1e-2),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Term {
    Number(f64),
    Times,
    Per,
    Plus,
    /// Unit, or a scale of the number before it.
    Word(f64),
}

/// Reads a word of the guide; `None` if it ends a sentence or a cell of a table.
fn term(word: &str) -> Option<Term> {
    let word = word
        .trim_start_matches('(')
        .trim_end_matches(['.', ',', ')', ';', ':']);
    let number = word.replace(',', "");
    Some(match word {
        "×" => Term::Times,
        "/" => Term::Per,
        "+" => Term::Plus,
        "" | "|" | "=" => return None,
        _ => match (
            number.parse(),
            SCALES.iter().find(|(name, _)| *name == word),
        ) {
            (Ok(number), _) => Term::Number(number),
            (_, Some((_, scale))) => Term::Word(*scale),
            _ => Term::Word(1.0),
        },
    })
}

/// Computes a sum of products, from left to right.
fn value(terms: &[Term]) -> f64 {
    let sum = terms.split(|term| *term == Term::Plus);
    sum.map(|product| {
        let (mut result, mut divides) = (1.0, false);
        for term in product {
            match term {
                Term::Number(number) | Term::Word(number) if divides => result /= number,
                Term::Number(number) | Term::Word(number) => result *= number,
                Term::Times => divides = false,
                Term::Per => divides = true,
                Term::Plus => {}
            }
        }
        result
    })
    .sum()
}

/// Returns the numbers and operators before an equals sign: back to the first number that follows
/// words only.
fn left(words: &[&str]) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for word in words.iter().rev() {
        let ends = word.ends_with(['.', ',', ';', ':']);
        match term(word) {
            Some(term) if !ends || terms.is_empty() => terms.push(term),
            _ => break,
        }
    }
    terms.reverse();
    let first = terms
        .iter()
        .position(|term| matches!(term, Term::Number(_)));
    terms.split_off(first.unwrap_or(terms.len()))
}

/// Returns the number after an equals sign, with its scale.
fn right(words: &[&str]) -> Vec<Term> {
    let terms: Vec<Term> = words.iter().take(2).filter_map(|word| term(word)).collect();
    match terms.as_slice() {
        [number, Term::Word(scale), ..] => vec![*number, Term::Word(*scale)],
        [number, ..] => vec![*number],
        [] => Vec::new(),
    }
}

#[test]
fn every_equation_of_the_capacity_guide_is_right() {
    let guide = fs::read_to_string(top().join("deploy/guides/capacity.md")).unwrap();
    let words: Vec<&str> = guide.split_whitespace().collect();
    let mut checked = 0;
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "=") {
        let (left, right) = (left(&words[..at]), right(&words[at + 1..]));
        let (computed, printed) = (value(&left), value(&right));
        let off = (computed - printed).abs() / computed;
        let text = words[at.saturating_sub(14)..words.len().min(at + 3)].join(" ");
        assert!(off <= ROUNDING, "{text}: {computed} from {left:?}");
        checked += 1;
    }
    assert!(checked > 20, "{checked} equations");
}
