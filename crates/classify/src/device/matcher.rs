//! Finds the tokens of all rules in one pass over the user agent.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::rule::Marks;
use super::token::RuleToken;

/// The rule or mark that a token belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    /// The rule for a device at this index.
    Rule(usize),
    /// The rule for a bot at this index. Its tokens do not count in the model of a phone.
    Bot(usize),
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
        let model = android_model(agent);
        for hit in self.automaton.find_overlapping_iter(agent) {
            for OwnedToken { token, owner } in &self.tokens[hit.pattern().as_usize()] {
                if !token.is_at(agent, hit.start(), hit.end()) {
                    continue;
                }
                match owner {
                    Owner::Rule(rule) => found.insert(*rule),
                    Owner::Bot(_) if model.contains(&hit.start()) => {}
                    Owner::Bot(rule) => found.insert(*rule),
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

/// Start of the user agents of browsers on Android.
const LINUX: &str = "Mozilla/5.0 (Linux;";

/// Place of the model in the user agent of a browser on Android: `(Linux; Android 7.0; M bot 60
/// Build/NRD90M; wv)`. Empty for another user agent, and for a model with an address.
fn android_model(agent: &[u8]) -> Range<usize> {
    let Ok(text) = std::str::from_utf8(agent) else {
        return 0..0;
    };
    // A model may have brackets itself: `moto g(50) 5G`.
    let comment = text.strip_prefix(LINUX);
    let Some((comment, _)) = comment.and_then(|comment| comment.split_once(") AppleWebKit/"))
    else {
        return 0..0;
    };
    let mut is_after_version = false;
    let mut start = LINUX.len();
    for part in comment.split(';') {
        let (at, name) = (start, part.trim());
        start += part.len() + 1;
        if !is_after_version {
            is_after_version = name.starts_with("Android");
            continue;
        }
        // A language stands before the model: `en-us`.
        let is_language = name.len() <= 5 && name.get(2..3).is_none_or(|hyphen| hyphen == "-");
        if !is_language {
            let is_address = name.contains("http") || name.contains(['@', '+']);
            return if is_address {
                0..0
            } else {
                at..at + part.len()
            };
        }
    }
    0..0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_of_a_phone_is_found() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (comment, model) in [
            (
                "Linux; Android 7.0; M bot 60 Build/NRD90M; wv",
                " M bot 60 Build/NRD90M",
            ),
            (
                "Linux; U; Android 4.1.1; en-us; SGPT13 Build/T",
                " SGPT13 Build/T",
            ),
            (
                "Linux; Android 12; moto g(50) 5G Build/S1RSS32.38-20-9; wv",
                " moto g(50) 5G Build/S1RSS32.38-20-9",
            ),
            ("Linux; Android 10; K", ""),
            ("Linux; Android 10; K10", " K10"),
            ("Linux; Android 6.0; Bot; +http://example.org", " Bot"),
            ("Linux; Android 6.0; bot@example.org", ""),
            ("X11; Linux x86_64", ""),
            ("Linux; Android 10", ""),
        ] {
            let agent = format!("Mozilla/5.0 ({comment}) {webkit}");
            assert_eq!(&agent[android_model(agent.as_bytes())], model, "{agent}");
        }
        assert!(android_model(b"Mozilla/5.0 (Linux; Android 7.0; bot").is_empty());
    }
}
