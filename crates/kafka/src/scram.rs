//! SCRAM login (RFC 5802) for [`crate::wire`].

use std::io;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac, pbkdf2};

use crate::secured::authenticate;
use crate::wire::BrokerConnection;

/// Random bytes of a client nonce.
const NONCE_BYTES: usize = 18;

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, what)
}

/// Logs in as `user` and checks that the broker knows the password, too.
pub(crate) fn log_in(
    connection: &mut BrokerConnection,
    mechanism: &str,
    user: &str,
    password: &str,
) -> io::Result<()> {
    let mut nonce = [0; NONCE_BYTES];
    let filled = SystemRandom::new().fill(&mut nonce);
    filled.map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let user = user.replace('=', "=3D").replace(',', "=2C");
    let bare = format!("n={user},r={}", BASE64.encode(nonce));
    let challenge = authenticate(connection, &format!("n,,{bare}"))?;
    let challenge = String::from_utf8_lossy(&challenge).into_owned();
    let answer = ClientAnswer::to(&challenge, &bare, password, mechanism.ends_with("512"))?;
    let proof = authenticate(connection, &answer.text)?;
    match proof.strip_prefix(b"v=") {
        Some(found) if found == answer.expected.as_bytes() => Ok(()),
        _ => Err(wrong("the broker does not know the password itself")),
    }
}

fn part<'c>(challenge: &'c str, name: &str) -> io::Result<&'c str> {
    let mut parts = challenge.split(',');
    let found = parts.find_map(|part| part.strip_prefix(name));
    found.ok_or_else(|| wrong("the broker's challenge is invalid"))
}

/// Answer of the client to a challenge.
struct ClientAnswer {
    text: String,
    /// Server signature that proves that the broker knows the password.
    expected: String,
}

impl ClientAnswer {
    fn to(challenge: &str, bare: &str, password: &str, is_512: bool) -> io::Result<Self> {
        let (derive, sign, hash) = match is_512 {
            true => (
                pbkdf2::PBKDF2_HMAC_SHA512,
                hmac::HMAC_SHA512,
                &digest::SHA512,
            ),
            false => (
                pbkdf2::PBKDF2_HMAC_SHA256,
                hmac::HMAC_SHA256,
                &digest::SHA256,
            ),
        };
        let nonce = part(challenge, "r=")?;
        let salt = part(challenge, "s=")?;
        let salt = BASE64.decode(salt).map_err(io::Error::other)?;
        let rounds = part(challenge, "i=")?;
        let rounds: NonZeroU32 = rounds.parse().map_err(io::Error::other)?;
        let own = bare.rsplit_once("r=").map_or("", |(_, nonce)| nonce);
        if !nonce.starts_with(own) {
            return Err(wrong("the broker answers another login"));
        }
        let mut salted = vec![0; hash.output_len()];
        pbkdf2::derive(derive, rounds, &salt, password.as_bytes(), &mut salted);
        let salted = hmac::Key::new(sign, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(hash, client_key.as_ref());
        let last = format!("c=biws,r={nonce}");
        let all = format!("{bare},{challenge},{last}");
        let stored_key = hmac::Key::new(sign, stored_key.as_ref());
        let signature = hmac::sign(&stored_key, all.as_bytes());
        let proof: Vec<u8> = client_key
            .as_ref()
            .iter()
            .zip(signature.as_ref())
            .map(|(one, other)| one ^ other)
            .collect();
        let server_key = hmac::sign(&salted, b"Server Key");
        let server_key = hmac::Key::new(sign, server_key.as_ref());
        let expected = hmac::sign(&server_key, all.as_bytes());
        Ok(Self {
            text: format!("{last},p={}", BASE64.encode(proof)),
            expected: BASE64.encode(expected),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc_is_answered() {
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
        let answer = ClientAnswer::to(challenge, bare, "pencil", false).unwrap();
        assert!(
            answer
                .text
                .ends_with("p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        );
        assert_eq!(
            answer.expected,
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
    }
}
