//! A token of a rule: a text to find in a user agent, with conditions on its neighbours.

/// The condition on the byte before or after a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// Any byte, or the end of the string.
    Any,
    /// The end of the string, or a byte that is neither letter nor digit.
    Boundary,
    /// The end of the string, or a byte that is not a letter.
    NotLetter,
    /// A digit.
    Digit,
    /// A capital letter.
    Capital,
}

impl Side {
    /// True if `byte`, the neighbour on this side, is allowed.
    #[inline]
    pub(crate) const fn allows(self, byte: Option<u8>) -> bool {
        match (self, byte) {
            (Self::Any | Self::Boundary | Self::NotLetter, None) => true,
            (Self::Digit | Self::Capital, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Boundary, Some(b)) => !b.is_ascii_alphanumeric(),
            (Self::NotLetter, Some(b)) => !b.is_ascii_alphabetic(),
            (Self::Digit, Some(b)) => b.is_ascii_digit(),
            (Self::Capital, Some(b)) => b.is_ascii_uppercase(),
        }
    }
}

/// A further check of a match, for conventions that a fixed text cannot express. The arguments are
/// the user agent and the start and end of the token.
pub(crate) type Shape = fn(&[u8], usize, usize) -> bool;

/// One token of a rule. Matching is case-insensitive unless [`Token::cased`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) text: &'static str,
    pub(crate) before: Side,
    pub(crate) after: Side,
    pub(crate) cased: bool,
    pub(crate) at_start: bool,
    pub(crate) shape: Option<Shape>,
}

impl Token {
    const fn new(text: &'static str, before: Side, after: Side) -> Self {
        Self {
            text,
            before,
            after,
            cased: false,
            at_start: false,
            shape: None,
        }
    }

    /// Makes the match case-sensitive.
    pub(crate) const fn cased(mut self) -> Self {
        self.cased = true;
        self
    }

    /// Requires a digit after the token.
    pub(crate) const fn digit(mut self) -> Self {
        self.after = Side::Digit;
        self
    }

    /// Requires a capital letter after the token.
    pub(crate) const fn capital(mut self) -> Self {
        self.after = Side::Capital;
        self
    }

    /// Requires that the match passes `shape`.
    pub(crate) const fn shaped(mut self, shape: Shape) -> Self {
        self.shape = Some(shape);
        self
    }

    /// True if the text found at `start..end` of `agent` is this token.
    #[inline]
    pub(crate) fn accepts(&self, agent: &[u8], start: usize, end: usize) -> bool {
        let before = start.checked_sub(1).and_then(|i| agent.get(i).copied());
        self.before.allows(before)
            && !(self.before == Side::Boundary && is_build(agent, start))
            && self.after.allows(agent.get(end).copied())
            && (!self.at_start || start == 0)
            && (!self.cased || &agent[start..end] == self.text.as_bytes())
            && self.shape.is_none_or(|shape| shape(agent, start, end))
    }
}

/// True if the text at `start` is a build number of the system rather than a model. Google's
/// `Build/OPD3.170816` resembles a tablet by Oppo.
#[inline]
fn is_build(agent: &[u8], start: usize) -> bool {
    agent[..start].ends_with(b"Build/")
}

/// A whole word: no letter or digit on either side.
pub(crate) const fn word(text: &'static str) -> Token {
    Token::new(text, Side::Boundary, Side::Boundary)
}

/// The start of a word, such as `SM-T` of `SM-T870`.
pub(crate) const fn head(text: &'static str) -> Token {
    Token::new(text, Side::Boundary, Side::Any)
}

/// The end of a word, such as `bot` of `Googlebot/2.1`; a digit may follow.
pub(crate) const fn tail(text: &'static str) -> Token {
    Token::new(text, Side::Any, Side::NotLetter)
}

/// Any place, including the inside of a word.
pub(crate) const fn part(text: &'static str) -> Token {
    Token::new(text, Side::Any, Side::Any)
}

/// The start of the whole string.
pub(crate) const fn start(text: &'static str) -> Token {
    let mut token = Token::new(text, Side::Any, Side::Any);
    token.at_start = true;
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(token: Token, agent: &str) -> bool {
        let (hay, text) = (agent.to_lowercase(), token.text.to_lowercase());
        hay.match_indices(&text)
            .any(|(at, found)| token.accepts(agent.as_bytes(), at, at + found.len()))
    }

    #[test]
    fn a_word_has_no_letter_or_digit_beside_it() {
        assert!(finds(word("tv"), "Apple TV; U"));
        assert!(finds(word("tv"), "tv"));
        assert!(!finds(word("tv"), "native"));
        assert!(!finds(word("tv"), "MiTV4"));
    }

    #[test]
    fn a_head_begins_and_a_tail_ends_a_word() {
        assert!(finds(head("SM-T").digit(), "Android 10; SM-T870"));
        assert!(!finds(head("SM-T").digit(), "Android 10; SM-TEST"));
        assert!(finds(tail("bot"), "AhrefsBot/5.2"));
        assert!(finds(tail("bot"), "zebra-bot2"));
        assert!(!finds(tail("bot"), "Bottle"));
    }

    #[test]
    fn case_and_place_are_kept_when_asked() {
        assert!(finds(word("KFTT").cased(), "en-us; KFTT)"));
        assert!(!finds(word("KFTT").cased(), "kftt"));
        assert!(finds(start("curl/"), "curl/7.64"));
        assert!(!finds(start("curl/"), "PHP-Curl-Class/4 curl/7"));
    }
}
