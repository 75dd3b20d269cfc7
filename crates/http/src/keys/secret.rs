use std::fmt;

use sha2::{Digest, Sha256};

use crate::keys::KeyError;

/// Prefix of every key, so that scanners for leaked secrets can find it.
const PREFIX: &str = "affluenza_";
/// Length of a key id, in bytes.
const ID_BYTES: usize = 4;
/// Length of the random part, in bytes.
const SECRET_BYTES: usize = 32;
/// Length of the checksum, in bytes. The checksum separates a mistyped key from an unknown one.
const SUM_BYTES: usize = 4;

/// A key in plain text: `affluenza_`, the id, `_`, 64 hexadecimal digits, and a checksum of 8
/// digits.
#[derive(Clone)]
pub struct KeySecret {
    text: String,
}

impl KeySecret {
    /// Generates a random id and secret.
    pub(crate) fn random() -> Result<(String, Self), KeyError> {
        let mut id = [0; ID_BYTES];
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut id).map_err(KeyError::Random)?;
        getrandom::fill(&mut secret).map_err(KeyError::Random)?;
        let id = hex::encode(id);
        let body = format!("{PREFIX}{id}_{}", hex::encode(secret));
        let sum = checksum(&body);
        Ok((
            id,
            Self {
                text: format!("{body}{sum}"),
            },
        ))
    }

    /// Returns the secret text. Show it once and never log it.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Returns the id of a presented key if its format and checksum are valid.
pub(crate) fn id_of(presented: &str) -> Option<&str> {
    let rest = presented.strip_prefix(PREFIX)?;
    let length = PREFIX.len() + 2 * ID_BYTES + 1 + 2 * SECRET_BYTES;
    if presented.len() != length + 2 * SUM_BYTES || !presented.is_ascii() {
        return None;
    }
    let (body, sum) = presented.split_at(length);
    let (id, secret) = rest.split_at(2 * ID_BYTES);
    (secret.starts_with('_') && checksum(body) == sum).then_some(id)
}

/// Returns the SHA-256 that is stored instead of the secret.
pub(crate) fn digest(presented: &str) -> [u8; 32] {
    Sha256::digest(presented.as_bytes()).into()
}

fn checksum(body: &str) -> String {
    hex::encode(&Sha256::digest(body.as_bytes())[..SUM_BYTES])
}

/// Decodes 64 hexadecimal digits.
pub(crate) fn decode_digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_whole_key_has_an_id_and_a_mistyped_one_does_not() {
        let (id, secret) = KeySecret::random().unwrap();
        assert_eq!(id_of(secret.expose()), Some(&*id));
        assert_eq!(id_of(&secret.expose()[1..]), None);
        let last = secret.expose().len() - 20;
        let mut mistyped = secret.expose().to_owned();
        let other = if &mistyped[last..=last] == "0" {
            "1"
        } else {
            "0"
        };
        mistyped.replace_range(last..=last, other);
        assert_eq!(id_of(&mistyped), None);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    proptest! {
        #[test]
        fn no_presented_text_makes_it_panic(text in ".{0,200}") {
            prop_assert_eq!(id_of(&text), None);
        }
    }
}
