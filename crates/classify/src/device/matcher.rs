//! Finds the tokens of all rules in one pass over the user agent.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::rule::Marks;
use super::token::RuleToken;

/// The rule or mark that a token belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    /// The rule at this index.
    Rule(usize),
    Mark(Marks),
}

/// A token and its owner.
#[derive(Debug)]
pub(super) struct OwnedToken {
    pub(super) token: RuleToken,
    pub(super) owner: Owner,
}

/// The set of rules that have a token in the user agent, by index.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FoundRules([u64; FoundRules::RULES_MAX / 64]);

impl FoundRules {
    /// Maximum number of rules.
    pub(super) const RULES_MAX: usize = 256;

    #[inline]
    fn insert(&mut self, rule: usize) {
        self.0[rule / 64] |= 1 << (rule % 64);
    }

    #[inline]
    pub(super) fn has(&self, rule: usize) -> bool {
        self.0[rule / 64] >> (rule % 64) & 1 == 1
    }
}

#[derive(Debug)]
pub(super) struct Matcher {
    automaton: AhoCorasick,
    /// The tokens of each pattern of the automaton. Several tokens can share a text.
    tokens: Vec<Vec<OwnedToken>>,
}

impl Matcher {
    pub(super) fn new(all: Vec<OwnedToken>) -> Result<Self, BuildError> {
        let mut places = HashMap::new();
        let mut texts: Vec<String> = Vec::new();
        let mut tokens: Vec<Vec<OwnedToken>> = Vec::new();
        for owned in all {
            let text = owned.token.text.to_ascii_lowercase();
            let place = *places.entry(text.clone()).or_insert(texts.len());
            if place == texts.len() {
                texts.push(text);
                tokens.push(Vec::new());
            }
            tokens[place].push(owned);
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&texts)?;
        Ok(Self { automaton, tokens })
    }

    /// Searches `agent` for all tokens. Returns the rules and the marks whose tokens occur.
    pub(super) fn look(&self, agent: &[u8]) -> (FoundRules, Marks) {
        let (mut found, mut marks) = (FoundRules::default(), Marks::NONE);
        for hit in self.automaton.find_overlapping_iter(agent) {
            for OwnedToken { token, owner } in &self.tokens[hit.pattern().as_usize()] {
                if !token.is_at(agent, hit.start(), hit.end()) {
                    continue;
                }
                match owner {
                    Owner::Rule(rule) => found.insert(*rule),
                    Owner::Mark(mark) => marks |= *mark,
                }
            }
        }
        (found, marks)
    }

    #[cfg(test)]
    pub(super) fn memory_usage(&self) -> usize {
        self.automaton.memory_usage()
    }
}
