//! Closed years: the figures as they were classified then, chained by hashes.
//!
//! A seal holds everything that the report of its year is made of: the figures, the register, and
//! up to where the log had been read. Whoever changes a sealed figure, or takes a seal out of the
//! chain, changes a hash. The newest hash, printed in the report, vouches for all before it.

use crate::notice::AcceptedLoss;
use crate::sources::FigureSet;
use affluenza_edition::Outcome;
use affluenza_register::Register;
use affluenza_store::figures::Figures;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// What is sealed.
///
/// Seals of earlier versions hold less: no details, no figures of other sources. They are read
/// as they are; what they do not hold is not available.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SealedYear {
    /// The year.
    pub year: i16,
    /// When, RFC 3339.
    pub sealed_at: String,
    /// Why it was restated; empty for the first seal of a year.
    pub cause: String,
    /// Rules that the events of the year were classified by.
    pub rules: Vec<String>,
    /// Up to where the log was read: stream, partition, next offset. Later events came later.
    pub ends: Vec<(String, u32, u64)>,
    /// The figures.
    pub figures: Figures,
    /// The figures of the year before, as they were said then.
    pub figures_before: Figures,
    /// The register as it was written.
    pub register: String,
    /// Figures of other sources that were in force; none in seals of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<FigureSet>,
    /// Records that were lost and can be of the year; none in seals of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<AcceptedLoss>,
    /// Drawn when the year was first closed, and never published: 64 hexadecimal digits. Choices among
    /// cells to hide come from it, and without it the printed hash would confirm a guess of what is hidden.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret: String,
    /// What everybody may see; none in seals of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<Outcome>,
}

/// A seal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Place in the chain, from 1.
    pub number: u32,
    /// Year that it says it is of.
    pub year: u16,
    /// [`SealedYear`] as JSON, byte by byte as it was hashed.
    pub content: String,
    /// Hash of the seal before; empty for the first.
    pub previous: String,
    /// Of the previous hash and the content.
    pub hash: String,
}

/// What a report says of the seal that its figures are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealNote {
    /// Place in the chain, from 1.
    pub number: u32,
    /// When the year was closed, RFC 3339.
    pub sealed_at: String,
    /// Why it was restated; empty for the first seal of the year.
    pub cause: String,
    /// Rules that its events were classified by.
    pub rules: Vec<String>,
    /// Service uses of people in the year, as they were sealed.
    pub service_uses: u64,
    /// Hash of the seal: vouches for it and for every seal before.
    pub hash: String,
}

impl SealNote {
    /// What a report says of a seal.
    pub fn of(seal: &Seal, sealed: &SealedYear) -> Self {
        Self {
            number: seal.number,
            sealed_at: sealed.sealed_at.clone(),
            cause: sealed.cause.clone(),
            rules: sealed.rules.clone(),
            service_uses: sealed.service_uses(),
            hash: seal.hash.clone(),
        }
    }
}

/// What is wrong with a chain of seals.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokenSeal {
    /// Its content is not what was hashed.
    #[error("seal {number}, of {year}: its content was changed: the hash is {found}, not {hash}")]
    Changed {
        /// Which.
        number: u32,
        /// Of which year.
        year: u16,
        /// Hash that it carries.
        hash: String,
        /// Hash that its content has.
        found: String,
    },
    /// It does not follow the one before it.
    #[error("seal {number}, of {year}: the seal before it was changed or taken away")]
    Unchained {
        /// Which.
        number: u32,
        /// Of which year.
        year: u16,
    },
    /// Its content cannot be read.
    #[error("seal {number}, of {year}: its content cannot be read: {cause}")]
    Unreadable {
        /// Which.
        number: u32,
        /// Of which year.
        year: u16,
        /// Why.
        cause: String,
    },
}

impl SealedYear {
    /// The next seal after `last`.
    pub fn seal(&self, last: Option<&Seal>) -> Seal {
        let content = serde_json::to_string(self).expect("a sealed year has text keys only");
        let previous = last.map_or_else(String::new, |seal| seal.hash.clone());
        Seal {
            number: last.map_or(0, |seal| seal.number) + 1,
            year: self.year.unsigned_abs(),
            hash: hash(&previous, &content),
            content,
            previous,
        }
    }

    /// Service uses of people in the year.
    pub fn service_uses(&self) -> u64 {
        let cells = self.figures.people.usage.iter();
        cells.map(|cell| cell.service_uses).sum()
    }

    /// The register of then.
    pub fn register(&self) -> Result<Register, affluenza_register::RegisterErrors> {
        Register::parse(&self.register)
    }
}

impl Seal {
    /// What was sealed, if it is what was hashed.
    pub fn open(&self) -> Result<SealedYear, BrokenSeal> {
        let (number, year) = (self.number, self.year);
        let found = hash(&self.previous, &self.content);
        if found != self.hash {
            return Err(BrokenSeal::Changed {
                number,
                year,
                hash: self.hash.clone(),
                found,
            });
        }
        let unreadable = |cause: String| BrokenSeal::Unreadable {
            number,
            year,
            cause,
        };
        let sealed: SealedYear =
            serde_json::from_str(&self.content).map_err(|error| unreadable(error.to_string()))?;
        if sealed.year.unsigned_abs() != year {
            return Err(unreadable(format!("it is of {}", sealed.year)));
        }
        Ok(sealed)
    }
}

/// Everything that is wrong with a chain of seals, given in order. Empty when they hold.
pub fn verify(seals: &[Seal]) -> Vec<BrokenSeal> {
    let mut broken = Vec::new();
    let mut previous: Option<&Seal> = None;
    for seal in seals {
        broken.extend(seal.open().err());
        let expected = previous.map_or((1, ""), |before| (before.number + 1, &*before.hash));
        if (seal.number, &*seal.previous) != expected {
            broken.push(BrokenSeal::Unchained {
                number: seal.number,
                year: seal.year,
            });
        }
        previous = Some(seal);
    }
    broken
}

fn hash(previous: &str, content: &str) -> String {
    let digest = Sha256::new()
        .chain_update(previous)
        .chain_update("\n")
        .chain_update(content)
        .finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(year: i16) -> SealedYear {
        SealedYear {
            year,
            sealed_at: "2018-01-31T10:00:00Z".into(),
            cause: String::new(),
            rules: vec!["1".into()],
            ends: vec![("c/t".into(), 0, 7)],
            figures: Figures::default(),
            figures_before: Figures::default(),
            register: String::new(),
            sources: Vec::new(),
            losses: Vec::new(),
            secret: String::new(),
            public: None,
        }
    }

    fn chain() -> Vec<Seal> {
        let first = year(2016).seal(None);
        let second = year(2017).seal(Some(&first));
        let third = year(2018).seal(Some(&second));
        vec![first, second, third]
    }

    #[test]
    fn what_was_sealed_is_what_is_opened() {
        assert_eq!(verify(&chain()), []);
        assert_eq!(chain()[1].open().unwrap(), year(2017));
    }

    #[test]
    fn every_kind_of_tampering_is_noticed() {
        let mut changed = chain();
        changed[1].content = changed[1].content.replace("[\"1\"]", "[\"2\"]");
        assert!(matches!(
            verify(&changed)[..],
            [BrokenSeal::Changed { number: 2, .. }]
        ));

        let mut rehashed = chain();
        rehashed[1] = SealedYear {
            cause: "another".into(),
            ..year(2017)
        }
        .seal(Some(&rehashed[0]));
        assert!(matches!(
            verify(&rehashed)[..],
            [BrokenSeal::Unchained { number: 3, .. }]
        ));

        let mut missing = chain();
        missing.remove(1);
        assert!(matches!(
            verify(&missing)[..],
            [BrokenSeal::Unchained { number: 3, .. }]
        ));

        let mut renamed = chain();
        renamed[2].year = 2019;
        assert!(matches!(
            verify(&renamed)[..],
            [BrokenSeal::Unreadable { number: 3, .. }]
        ));
    }
}
