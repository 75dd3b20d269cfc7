//! Finds the tokens of all rules in one pass over the user agent.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::rule::Marks;
use super::rules::{self, RULES};
use super::token::Token;

/// The rule or mark that a token belongs to.
#[derive(Debug, Clone, Copy)]
enum Owner {
    /// The rule at this index of [`RULES`].
    Rule(u16),
    Mark(Marks),
}

/// The set of rules that have a token in the user agent, as indices of [`RULES`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found([u64; FOUND_WORDS]);

const FOUND_WORDS: usize = 2;

impl Found {
    #[inline]
    fn insert(&mut self, rule: u16) {
        self.0[usize::from(rule) / 64] |= 1 << (rule % 64);
    }

    #[inline]
    pub(super) fn has(&self, rule: usize) -> bool {
        self.0[rule / 64] >> (rule % 64) & 1 == 1
    }
}

struct Matcher {
    automaton: AhoCorasick,
    /// The tokens of each pattern of the automaton. Several tokens can share a text.
    tokens: Vec<Vec<(Token, Owner)>>,
}

static MATCHER: LazyLock<Matcher> = LazyLock::new(Matcher::new);

impl Matcher {
    fn new() -> Self {
        assert!(
            RULES.len() <= FOUND_WORDS * 64,
            "more rules than bits for them"
        );
        let of_rules = (0_u16..).zip(RULES.iter()).flat_map(|(place, rule)| {
            let owner = Owner::Rule(place);
            rule.any.iter().map(move |token| (*token, owner))
        });
        let of_marks = rules::MARKS
            .iter()
            .flat_map(|(mark, tokens)| tokens.iter().map(|token| (*token, Owner::Mark(*mark))));
        let mut texts: Vec<String> = Vec::new();
        let mut tokens: Vec<Vec<(Token, Owner)>> = Vec::new();
        for (token, owner) in of_rules.chain(of_marks) {
            let text = token.text.to_ascii_lowercase();
            match texts.iter().position(|known| *known == text) {
                Some(at) => tokens[at].push((token, owner)),
                None => {
                    texts.push(text);
                    tokens.push(vec![(token, owner)]);
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&texts)
            .expect("a few thousand short texts fit an automaton");
        Self { automaton, tokens }
    }
}

/// Searches `agent` for all tokens. Returns the rules and the marks whose tokens occur.
pub(super) fn look(agent: &[u8]) -> (Found, Marks) {
    let matcher = &*MATCHER;
    let (mut found, mut marks) = (Found::default(), Marks::NONE);
    for hit in matcher.automaton.find_overlapping_iter(agent) {
        for (token, owner) in &matcher.tokens[hit.pattern().as_usize()] {
            if !token.accepts(agent, hit.start(), hit.end()) {
                continue;
            }
            match owner {
                Owner::Rule(rule) => found.insert(*rule),
                Owner::Mark(mark) => marks = marks | *mark,
            }
        }
    }
    (found, marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_automaton_is_small_and_every_token_has_text() {
        let matcher = Matcher::new();
        assert!(matcher.automaton.memory_usage() < 8 << 20);
        let texts = matcher.tokens.iter().flatten().map(|(token, _)| token.text);
        for text in texts {
            let is_rare = text.len() > 1 || text == "@";
            assert!(
                is_rare && text.is_ascii(),
                "{text:?} would be found everywhere"
            );
        }
    }

    #[test]
    fn the_whole_string_is_looked_at_once_for_all() {
        let (found, marks) = look(b"Mozilla/5.0 (Linux; Android 13; SM-X700) curl/8 Mobile");
        let names: Vec<_> = (0..RULES.len())
            .filter(|place| found.has(*place))
            .map(|place| RULES[place].id)
            .collect();
        assert_eq!(names, ["bot.http-library", "tablet.samsung"]);
        assert!(marks.has_all(Marks::ANDROID | Marks::MOZILLA | Marks::MOBILE | Marks::LINUX));
        assert!(!marks.has_any(Marks::IOS | Marks::WINDOWS));
    }
}
