//! Chain of closed years, compared with the seals noted on this machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use affluenza_disclosure::edition::{
    Closed, ClosedYear, ClosedYears, NoEdition, Outcome, PublicYear,
};
use affluenza_http::keys::{AdminAction, KeyStore};
use affluenza_report::{Seal, SealNote, SealedYear};
use affluenza_store::open::OpenFigures;
use affluenza_store::seals::SealRow;
use affluenza_store::{Admin, Registers};
use anyhow::{Result, bail};
use serde_json::json;

use crate::settings::Settings;

/// Action of the log: a seal was added to the chain.
const SEALED: &str = "year-sealed";
/// Action of the log: an administrator accepts that seals are lost, from a number of the chain on.
const LOST: &str = "seals-lost";

/// Seals noted in the log of administrative access. The log is outside the database, so rewriting
/// all of `sealed_years` is detected.
pub struct Witness {
    log: KeyStore,
    database: String,
}

impl Witness {
    pub fn new(settings: &Settings, admin: &Admin) -> Self {
        Self {
            log: KeyStore::new(settings.keys.file_in(&settings.engine.data)),
            database: admin.database().to_owned(),
        }
    }

    /// Notes a seal of the chain.
    pub fn note(&self, seal: &Seal) -> Result<()> {
        let detail = json!({ "database": self.database, "seal": seal.number, "hash": seal.hash });
        Ok(self.log.note(SEALED, &seal.year.to_string(), detail)?)
    }

    /// Notes that the seals from `first` on are lost, and the reason.
    fn note_loss(&self, first: usize, reason: &str) -> Result<()> {
        let detail = json!({ "database": self.database, "seal": first, "reason": reason });
        Ok(self.log.note(LOST, "", detail)?)
    }

    /// Returns year and hash of the seals that the chain must hold, by number.
    fn noted(&self) -> Result<BTreeMap<u64, (String, String)>> {
        let mut noted = BTreeMap::new();
        for AdminAction {
            action,
            subject,
            detail,
            ..
        } in self.log.log().verify()?
        {
            let (Some(seal), true) = (
                detail["seal"].as_u64(),
                detail["database"].as_str() == Some(&self.database),
            ) else {
                continue;
            };
            match (action.as_str(), detail["hash"].as_str()) {
                (SEALED, Some(hash)) => drop(noted.insert(seal, (subject, hash.to_owned()))),
                (LOST, _) => drop(noted.split_off(&seal)),
                _ => {}
            }
        }
        Ok(noted)
    }
}

/// Chain of seals, completely verified.
pub struct Chain(Vec<Seal>);

impl Chain {
    /// Reads and verifies the chain. Fails if it was altered.
    pub async fn read(registers: &Registers, witness: &Witness) -> Result<Self> {
        let chain = Self::read_alone(registers).await?;
        for (number, (year, hash)) in witness.noted()? {
            let held = usize::try_from(number)
                .ok()
                .and_then(|number| chain.0.get(number.checked_sub(1)?));
            match held {
                Some(held) if held.hash == hash => {}
                Some(held) => bail!(
                    "seal {number}, of {year}, was rewritten: its hash is {}, and {hash} was noted in the log of administrative access: restore the table sealed_years from a backup",
                    held.hash
                ),
                None => bail!(
                    "seal {number}, of {year}, is not in sealed_years, and was noted in the log of administrative access with the hash {hash}: it was deleted, or an older backup was restored; restore the table from a newer backup, or accept the loss with `affluenza verify-year --accept-lost REASON`"
                ),
            }
        }
        Ok(chain)
    }

    /// Reads the chain and verifies its hashes, without the noted seals.
    async fn read_alone(registers: &Registers) -> Result<Self> {
        let seals: Vec<Seal> = registers.seals().await?.into_iter().map(seal).collect();
        let broken = affluenza_report::verify(&seals);
        if let Some(first) = broken.first() {
            bail!(
                "{first}; {} broken seal(s) in all: restore the table sealed_years from a backup",
                broken.len()
            );
        }
        Ok(Self(seals))
    }

    /// Accepts that noted seals are missing from the database.
    pub async fn accept_lost(registers: &Registers, witness: &Witness, reason: &str) -> Result<()> {
        let chain = Self::read_alone(registers).await?;
        witness.note_loss(chain.0.len() + 1, reason)
    }

    /// Returns all seals, in order.
    pub fn seals(&self) -> &[Seal] {
        &self.0
    }

    /// Returns the newest seal of a year and its content.
    pub fn newest(&self, year: i16) -> Result<Option<(&Seal, SealedYear)>> {
        let mut seals = self.0.iter().rev();
        let newest = seals.find(|seal| seal.year == year.unsigned_abs());
        newest.map(|seal| Ok((seal, seal.open()?))).transpose()
    }

    /// Returns the newest public edition of a year.
    ///
    /// # Errors
    /// The year has no public edition.
    pub fn newest_edition(&self, year: i16) -> Result<PublicYear> {
        let newest = self.editions(year)?.pop();
        newest.ok_or_else(|| NoEdition::Open(year).into())
    }

    /// Returns all public editions of a year, oldest first.
    ///
    /// # Errors
    /// An edition cannot be read.
    pub fn editions(&self, year: i16) -> Result<Vec<PublicYear>> {
        let mut editions = Vec::new();
        let seals = self.0.iter();
        for seal in seals.filter(|seal| seal.year == year.unsigned_abs()) {
            editions.extend(edition(seal, &seal.open()?).transpose()?);
        }
        Ok(editions)
    }

    /// Returns all seals of a year with their contents, oldest first.
    pub fn closings(&self, year: i16) -> Result<Vec<(SealNote, SealedYear)>> {
        let of_year = self
            .0
            .iter()
            .filter(|seal| seal.year == year.unsigned_abs());
        let opened = of_year.map(|seal| {
            let sealed = seal.open()?;
            Ok((SealNote::of(seal, &sealed), sealed))
        });
        opened.collect()
    }

    fn years(&self) -> Result<ClosedYears> {
        let mut years = BTreeMap::new();
        for seal in &self.0 {
            // A later seal of a year replaces the earlier one.
            let sealed = seal.open()?;
            // Without an edition of its own, the earlier edition stays.
            let Some(edition) = edition(seal, &sealed) else {
                continue;
            };
            let closed = ClosedYear {
                seal: seal.number,
                closed_at: sealed.sealed_at,
                edition: edition.map(Arc::new),
            };
            years.insert(sealed.year, closed);
        }
        Ok(years)
    }
}

/// Returns the published editions of the closed years, or the reason why they cannot be read.
pub async fn closed_years(registers: &Registers, witness: &Witness) -> Closed {
    let chain = Chain::read(registers, witness).await;
    let years = chain.and_then(|chain| chain.years());
    years.map_err(|error| format!("{error:#}"))
}

/// Returns the public edition decided with a seal; `None` if an earlier edition stays.
fn edition(seal: &Seal, sealed: &SealedYear) -> Option<Result<PublicYear, NoEdition>> {
    let Outcome::Edition(decided) = &sealed.public else {
        return None;
    };
    let figures = OpenFigures::of_closed(&sealed.figures.people);
    let public = PublicYear::of(sealed.year, &figures, decided);
    Some(public.map_err(|cause| NoEdition::Unprotected {
        year: sealed.year,
        seal: seal.number,
        cause,
    }))
}

fn seal(row: SealRow) -> Seal {
    Seal {
        number: row.number,
        year: row.year,
        content: row.content,
        previous: row.previous,
        hash: row.hash,
    }
}
