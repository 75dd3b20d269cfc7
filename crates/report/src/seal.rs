//! Seals of closed years and months: the figures as classified at closing, chained by hashes.
//!
//! The seal of a year holds everything that its report is built from: the figures, the register and
//! the log offsets. The seal of a month has no figures of other years and sources. Changing a sealed figure, or removing a seal from the chain, changes a hash.
//! The newest hash, printed in the report, vouches for all earlier seals.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};

use crate::notice::AcceptedLoss;
use crate::sources::FigureSet;
use affluenza_disclosure::Unprotected;
use affluenza_disclosure::edition::{ClosedPeriod, Outcome, PublicYear};
use affluenza_register::Register;
use affluenza_store::figures::{Figures, YearFigures};
use affluenza_store::open::OpenFigures;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zstd::{Decoder, Encoder};

/// Level of the compression, the fastest.
const LEVEL: i32 = 1;

/// Length of a piece of content, in bytes.
const PIECE: usize = 64 << 10;

/// Content of a seal, with figures of the type `F`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SealedYear<F = Figures> {
    /// Calendar year.
    pub year: i16,
    /// Closed month, 1 to 12; `None` for the whole year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<u8>,
    /// Time of closing, RFC 3339.
    pub sealed_at: String,
    /// Cause of the restatement; empty for the first seal of a period.
    pub cause: String,
    /// Versions of rules and register that classified the events of the period.
    pub rules: Vec<String>,
    /// End offsets of the log: stream, partition, next offset. Events from these offsets on are not
    /// included.
    pub ends: Vec<(String, u32, u64)>,
    /// Figures of the year or month.
    pub figures: F,
    /// Figures of the public edition, if some months of the year were closed before it: theirs, and
    /// those of the other months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<OpenFigures>,
    /// Figures of the year before, as known at closing.
    pub figures_before: F,
    /// Text of the register.
    pub register: String,
    /// Current figures of other sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<FigureSet>,
    /// Lost records that may belong to the year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<AcceptedLoss>,
    /// Random secret of 64 hexadecimal digits, drawn at the first closing of the year or of one of
    /// its months and never published. It
    /// drives the choice of hidden cells. It also keeps the printed hash from confirming a guess of
    /// a hidden count.
    pub secret: String,
    /// Decision on the public cells.
    pub public: Outcome,
}

/// The figures of people in a seal. Those with bots are skipped, which halves memory and time.
#[derive(Debug, Deserialize)]
struct PeopleFigures {
    people: YearFigures,
}

impl From<PeopleFigures> for Figures {
    fn from(PeopleFigures { people }: PeopleFigures) -> Self {
        Self {
            people,
            all: YearFigures::default(),
        }
    }
}

/// A seal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Position in the chain, from 1.
    pub number: u32,
    /// Calendar year, as in the content.
    pub year: u16,
    /// Closed month, as in the content, or 0 for the whole year.
    pub month: u8,
    /// [`SealedYear`] as JSON, byte by byte as it was hashed.
    pub content: SealContent,
    /// Hash of the previous seal; empty for the first.
    pub previous: String,
    /// SHA-256 of the previous hash and the content.
    pub hash: String,
}

/// Content of a seal, compressed in memory: that of a country has hundreds of megabytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SealContent(Vec<u8>);

/// Compresses the content of a seal.
pub struct SealContentWriter(Encoder<'static, Vec<u8>>);

impl fmt::Debug for SealContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, compressed", self.0.len())
    }
}

impl Default for SealContentWriter {
    fn default() -> Self {
        let encoder = Encoder::new(Vec::new(), LEVEL);
        Self(encoder.expect("the level is one of the library"))
    }
}

impl SealContentWriter {
    /// Adds a piece of the content.
    pub fn add(&mut self, piece: &[u8]) {
        self.0.write_all(piece).expect("memory takes all bytes");
    }

    /// Returns the content.
    pub fn finish(self) -> SealContent {
        SealContent(self.0.finish().expect("memory takes all bytes"))
    }
}

impl From<&str> for SealContent {
    fn from(text: &str) -> Self {
        let mut writer = SealContentWriter::default();
        writer.add(text.as_bytes());
        writer.finish()
    }
}

impl SealContent {
    fn reader(&self) -> impl BufRead {
        let decoder = Decoder::with_buffer(&*self.0);
        BufReader::with_capacity(PIECE, decoder.expect("it was compressed here"))
    }

    /// Returns the content as text, if it is UTF-8.
    pub fn text(&self) -> io::Result<String> {
        io::read_to_string(self.reader())
    }

    /// Returns the first bytes, as text.
    fn head(&self, length: u64) -> String {
        let mut head = Vec::new();
        // A head that cannot be read to its end is not the expected one.
        _ = self.reader().take(length).read_to_end(&mut head);
        String::from_utf8_lossy(&head).into_owned()
    }
}

/// Data about a seal that a report prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealNote {
    /// Position in the chain, from 1.
    pub number: u32,
    /// Time of closing, RFC 3339.
    pub sealed_at: String,
    /// Cause of the restatement; empty for the first seal of the year.
    pub cause: String,
    /// Versions of rules and register that classified the events of the year.
    pub rules: Vec<String>,
    /// Service uses of people in the year, as sealed.
    pub service_uses: u64,
    /// Hash of the seal. It vouches for this seal and all earlier ones.
    pub hash: String,
}

impl SealNote {
    /// Extracts the printed data of a seal.
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

/// An error in a chain of seals.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokenSeal {
    /// The content does not match the hash.
    #[error("seal {number}, of {period}: its content was changed: the hash is {found}, not {hash}")]
    Changed {
        /// Number of the seal.
        number: u32,
        /// Period of the seal.
        period: ClosedPeriod,
        /// Hash that is stored with the seal.
        hash: String,
        /// Hash of the stored content.
        found: String,
    },
    /// The seal does not follow the previous one.
    #[error("seal {number}, of {period}: the seal before it was changed or taken away")]
    Unchained {
        /// Number of the seal.
        number: u32,
        /// Period of the seal.
        period: ClosedPeriod,
    },
    /// The content cannot be read.
    #[error("seal {number}, of {period}: its content cannot be read: {cause}")]
    Unreadable {
        /// Number of the seal.
        number: u32,
        /// Period of the seal.
        period: ClosedPeriod,
        /// Error of the parser.
        cause: String,
    },
}

impl SealedYear {
    /// Creates the seal that follows `last`.
    pub fn seal(&self, last: Option<&Seal>) -> Seal {
        let content = serde_json::to_string(self).expect("a sealed year has text keys only");
        let previous = last.map_or_else(String::new, |seal| seal.hash.clone());
        Seal {
            number: last.map_or(0, |seal| seal.number) + 1,
            year: self.year.unsigned_abs(),
            month: self.month.unwrap_or(0),
            hash: hash(&previous, content.as_bytes()),
            content: SealContent::from(&*content),
            previous,
        }
    }

    /// Returns the closed period.
    pub fn period(&self) -> ClosedPeriod {
        let (year, month) = (self.year, self.month);
        ClosedPeriod { year, month }
    }

    /// Returns the figures that the public edition is decided for.
    pub fn open_figures(&self) -> OpenFigures {
        match &self.published {
            Some(published) => published.clone(),
            None => OpenFigures::of_closed(&self.figures.people),
        }
    }

    /// Returns the public edition that was decided with the seal; `None` if an earlier one stays.
    ///
    /// # Errors
    /// The decision does not fit the figures.
    pub fn edition(&self) -> Option<Result<PublicYear, Unprotected>> {
        match &self.public {
            Outcome::Edition(decided) => {
                Some(PublicYear::of(self.period(), &self.open_figures(), decided))
            }
            Outcome::Unchanged => None,
        }
    }

    /// Returns the service uses of people in the period.
    pub fn service_uses(&self) -> u64 {
        let cells = self.figures.people.usage.iter();
        cells.map(|cell| cell.service_uses).sum()
    }

    /// Parses the sealed register.
    pub fn register(&self) -> Result<Register, affluenza_register::RegisterErrors> {
        Register::parse_sealed(&self.register)
    }
}

impl<F: Into<Figures>> SealedYear<F> {
    fn into_figures(self) -> SealedYear {
        SealedYear {
            year: self.year,
            month: self.month,
            sealed_at: self.sealed_at,
            cause: self.cause,
            rules: self.rules,
            ends: self.ends,
            figures: self.figures.into(),
            published: self.published,
            figures_before: self.figures_before.into(),
            register: self.register,
            sources: self.sources,
            losses: self.losses,
            secret: self.secret,
            public: self.public,
        }
    }
}

impl Seal {
    /// Returns the content, if it matches the hash, the year and the month.
    pub fn open(&self) -> Result<SealedYear, BrokenSeal> {
        self.verify()?;
        self.parse()
    }

    /// Returns the content without the figures that include bots, which are empty then.
    pub fn open_people(&self) -> Result<SealedYear, BrokenSeal> {
        self.verify()?;
        let sealed: SealedYear<PeopleFigures> = self.parse()?;
        Ok(sealed.into_figures())
    }

    /// Verifies that the content matches the hash, the year and the month.
    pub fn verify(&self) -> Result<(), BrokenSeal> {
        let (number, period) = (self.number, self.period());
        let found = hash(&self.previous, self.content.reader());
        if found != self.hash {
            return Err(BrokenSeal::Changed {
                number,
                period,
                hash: self.hash.clone(),
                found,
            });
        }
        let head = match period.month {
            Some(month) => format!(r#"{{"year":{},"month":{month},"#, period.year),
            None => format!(r#"{{"year":{},"sealed_at":"#, period.year),
        };
        let found = self.content.head(head.len() as u64);
        match found == head {
            true => Ok(()),
            false => Err(self.unreadable(format!("it begins with {found}, not with {head}"))),
        }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, BrokenSeal> {
        serde_json::from_reader(self.content.reader())
            .map_err(|error| self.unreadable(error.to_string()))
    }

    fn unreadable(&self, cause: String) -> BrokenSeal {
        BrokenSeal::Unreadable {
            number: self.number,
            period: self.period(),
            cause,
        }
    }

    /// Returns the closed period.
    pub fn period(&self) -> ClosedPeriod {
        ClosedPeriod {
            year: self.year.cast_signed(),
            month: (self.month > 0).then_some(self.month),
        }
    }
}

/// Verifies a chain of seals, given in order. Returns all errors; empty if the chain is intact.
pub fn verify(seals: &[Seal]) -> Vec<BrokenSeal> {
    let mut broken = Vec::new();
    let mut previous: Option<&Seal> = None;
    for seal in seals {
        broken.extend(seal.verify().err());
        let expected = previous.map_or((1, ""), |before| (before.number + 1, &*before.hash));
        if (seal.number, &*seal.previous) != expected {
            broken.push(BrokenSeal::Unchained {
                number: seal.number,
                period: seal.period(),
            });
        }
        previous = Some(seal);
    }
    broken
}

fn hash(previous: &str, mut content: impl BufRead) -> String {
    let mut digest = Sha256::new().chain_update(previous).chain_update("\n");
    // Content that cannot be read to its end has another hash.
    while let Ok(piece) = content.fill_buf()
        && !piece.is_empty()
    {
        digest.update(piece);
        let length = piece.len();
        content.consume(length);
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use affluenza_store::figures::UsageCell;

    use super::*;

    fn year(year: i16) -> SealedYear {
        SealedYear {
            year,
            month: None,
            sealed_at: "2018-01-31T10:00:00Z".into(),
            cause: String::new(),
            rules: vec!["1".into()],
            ends: vec![("c/t".into(), 0, 7)],
            figures: Figures::default(),
            published: None,
            figures_before: Figures::default(),
            register: String::new(),
            sources: Vec::new(),
            losses: Vec::new(),
            secret: String::new(),
            public: Outcome::Unchanged,
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
    fn figures_of_people_are_opened_alone() {
        let of = |service_uses| YearFigures {
            usage: vec![UsageCell {
                ente: "c_a".into(),
                category: "a".into(),
                kind: "plain".into(),
                service_uses,
            }],
            ..YearFigures::default()
        };
        let figures = |people, all| Figures { people, all };
        let whole = SealedYear {
            figures: figures(of(2), of(3)),
            figures_before: figures(of(5), of(7)),
            ..year(2017)
        };
        let seal = whole.seal(None);
        assert_eq!(seal.open().unwrap(), whole);
        let of_people = SealedYear {
            figures: figures(of(2), YearFigures::default()),
            figures_before: figures(of(5), YearFigures::default()),
            ..year(2017)
        };
        assert_eq!(seal.open_people().unwrap(), of_people);
    }

    #[test]
    fn every_kind_of_tampering_is_noticed() {
        let mut changed = chain();
        let text = changed[1].content.text().unwrap();
        changed[1].content = (&*text.replace("[\"1\"]", "[\"2\"]")).into();
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

        let mut of_month = chain();
        of_month[2].month = 3;
        assert!(matches!(
            verify(&of_month)[..],
            [BrokenSeal::Unreadable { number: 3, .. }]
        ));
    }
}
