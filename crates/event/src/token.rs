//! Pseudonym that replaces a visitor or a session in an event.

use std::fmt;

/// Pseudonym of a visitor: 128 bits as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisitorToken([u8; 32]);

impl VisitorToken {
    /// Creates the token from the first half of a SHA-256 `digest`. The hash must include a secret
    /// salt, or the visitor can be found by trying all addresses.
    #[must_use]
    pub fn new(digest: [u8; 32]) -> Self {
        let mut digits = [0; 32];
        hex::encode_to_slice(&digest[..16], &mut digits).expect("16 bytes are 32 digits");
        Self(digits)
    }

    /// Returns the hexadecimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only hexadecimal digits were written")
    }
}

impl fmt::Debug for VisitorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VisitorToken({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_first_half_of_the_digest() {
        let digest = std::array::from_fn(|place| u8::try_from(place).unwrap() * 8);
        let token = VisitorToken::new(digest);
        assert_eq!(token.as_str(), "00081018202830384048505860687078");
    }
}
