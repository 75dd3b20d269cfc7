//! A token of a rule: a text to find in a user agent, with conditions on its neighbours.

use std::sync::Arc;

use regex::bytes::Regex;

/// The condition on the byte before or after a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Any byte, or the end of the string.
    Any,
    /// The end of the string, or a byte that is neither letter nor digit.
    Boundary,
    /// The end of the string, or a byte that is not a letter.
    NotLetter,
    /// A digit.
    Digit,
    /// The end of the string.
    End,
}

impl Side {
    /// True if `byte`, the neighbour on this side, is allowed.
    #[inline]
    const fn is_met_by(self, byte: Option<u8>) -> bool {
        match (self, byte) {
            (Self::Digit, None) | (Self::End, Some(_)) => false,
            (_, None) | (Self::Any, _) => true,
            (Self::Boundary, Some(b)) => !b.is_ascii_alphanumeric(),
            (Self::NotLetter, Some(b)) => !b.is_ascii_alphabetic(),
            (Self::Digit, Some(b)) => b.is_ascii_digit(),
        }
    }
}

/// A further check of the text around a token.
#[derive(Debug, Default)]
pub(super) struct TokenShape {
    /// Must match the text before the token, up to its end.
    pub(super) before: Option<Regex>,
    /// Must match the start of the text after the token.
    pub(super) after: Option<Regex>,
    /// Must not match the start of the text after the token.
    pub(super) not_after: Option<Regex>,
}

impl TokenShape {
    fn is_met_by(&self, before: &[u8], after: &[u8]) -> bool {
        let (wanted_before, wanted_after) = (self.before.as_ref(), self.after.as_ref());
        wanted_before.is_none_or(|wanted| wanted.is_match(before))
            && wanted_after.is_none_or(|wanted| wanted.is_match(after))
            && !self.not_after.as_ref().is_some_and(|no| no.is_match(after))
    }
}

/// One token of a rule. Matching is case-insensitive unless the token is `cased`.
#[derive(Debug, Clone)]
pub(super) struct RuleToken {
    pub(super) text: &'static str,
    pub(super) before: Side,
    pub(super) after: Side,
    pub(super) cased: bool,
    pub(super) shape: Option<Arc<TokenShape>>,
}

impl RuleToken {
    /// Creates a token of this kind:
    ///
    /// - `word`: no letter or digit on either side;
    /// - `head`: the start of a word, such as `SM-T` of `SM-T870`;
    /// - `tail`: the end of a word, such as `bot` of `Googlebot/2.1`; a digit may follow;
    /// - `part`: any place, including the inside of a word;
    /// - `start`: the start of the whole string.
    pub(super) fn of_kind(kind: &str, text: &'static str) -> Option<Self> {
        let (before, after) = match kind {
            "word" => (Side::Boundary, Side::Boundary),
            "head" => (Side::Boundary, Side::Any),
            "tail" => (Side::Any, Side::NotLetter),
            "part" => (Side::Any, Side::Any),
            "start" => (Side::End, Side::Any),
            _ => return None,
        };
        Some(Self {
            text,
            before,
            after,
            cased: false,
            shape: None,
        })
    }

    /// True if the text found at `start..end` of `agent` is this token.
    #[inline]
    pub(super) fn is_at(&self, agent: &[u8], start: usize, end: usize) -> bool {
        let (before, after) = (&agent[..start], &agent[end..]);
        self.before.is_met_by(before.last().copied())
            && !(self.before == Side::Boundary && is_build(before))
            && self.after.is_met_by(after.first().copied())
            && (!self.cased || &agent[start..end] == self.text.as_bytes())
            && self
                .shape
                .as_ref()
                .is_none_or(|shape| shape.is_met_by(before, after))
    }
}

/// True if a build number of the system follows `before` rather than a model. Google's
/// `Build/OPD3.170816` resembles a tablet by Oppo.
#[inline]
fn is_build(before: &[u8]) -> bool {
    before.ends_with(b"Build/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(kind: &str, text: &'static str, agent: &str) -> bool {
        is_in(&RuleToken::of_kind(kind, text).unwrap(), agent)
    }

    fn is_in(token: &RuleToken, agent: &str) -> bool {
        let (hay, text) = (agent.to_lowercase(), token.text.to_lowercase());
        hay.match_indices(&text)
            .any(|(at, found)| token.is_at(agent.as_bytes(), at, at + found.len()))
    }

    #[test]
    fn a_word_has_no_letter_or_digit_beside_it() {
        assert!(finds("word", "tv", "Apple TV; U"));
        assert!(finds("word", "tv", "tv"));
        assert!(!finds("word", "tv", "native"));
        assert!(!finds("word", "tv", "MiTV4"));
    }

    #[test]
    fn a_head_begins_and_a_tail_ends_a_word() {
        let tablet = RuleToken {
            after: Side::Digit,
            ..RuleToken::of_kind("head", "SM-T").unwrap()
        };
        assert!(is_in(&tablet, "Android 10; SM-T870"));
        assert!(!is_in(&tablet, "Android 10; SM-TEST"));
        assert!(finds("tail", "bot", "AhrefsBot/5.2"));
        assert!(finds("tail", "bot", "zebra-bot2"));
        assert!(!finds("tail", "bot", "Bottle"));
    }

    #[test]
    fn case_and_place_are_kept_when_asked() {
        let kindle = RuleToken {
            cased: true,
            ..RuleToken::of_kind("word", "KFTT").unwrap()
        };
        assert!(is_in(&kindle, "en-us; KFTT)"));
        assert!(!is_in(&kindle, "kftt"));
        assert!(finds("start", "curl/", "curl/7.64"));
        assert!(!finds("start", "curl/", "PHP-Curl-Class/4 curl/7"));
    }
}
