//! Chain of closed years and months, compared with the seals noted on this machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use affluenza_disclosure::edition::{
    Closed, ClosedPeriod, ClosedYear, ClosedYears, NoEdition, Outcome, PublicYear,
};
use affluenza_http::keys::{AdminAction, KeyStore};
use affluenza_report::{Seal, SealContentWriter, SealNote, SealedYear};
use affluenza_store::figures::Counted;
use affluenza_store::{Admin, Registers};
use anyhow::{Result, bail};
use serde_json::json;

use crate::settings::Settings;

/// Action of the log: a seal was added to the chain.
const SEALED: &str = "year-sealed";
/// Action of the log: an administrator accepts that seals are lost, from a number of the chain on.
const LOST: &str = "seals-lost";

/// Least digits that name a seal.
const HASH_MIN: usize = 8;

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
        Ok(self.log.note(SEALED, &seal.period().to_string(), detail)?)
    }

    /// Notes that the seals from `first` on are lost, and the reason.
    fn note_loss(&self, first: usize, reason: &str) -> Result<()> {
        let detail = json!({ "database": self.database, "seal": first, "reason": reason });
        Ok(self.log.note(LOST, "", detail)?)
    }

    /// Returns period and hash of the seals that the chain must hold, by number.
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

/// An earlier edition of a year, to be printed again.
pub struct EarlierEdition {
    /// Chain as it was then.
    pub chain: Chain,
    /// Sentence that names the printed edition, unless it is the newest one.
    pub remark: Option<String>,
}

impl Chain {
    /// Reads and verifies the chain. Fails if it was altered.
    pub async fn read(registers: &Registers, witness: &Witness) -> Result<Self> {
        let chain = Self::read_alone(registers).await?;
        for (number, (period, hash)) in witness.noted()? {
            let held = usize::try_from(number)
                .ok()
                .and_then(|number| chain.0.get(number.checked_sub(1)?));
            match held {
                Some(held) if held.hash == hash => {}
                Some(held) => bail!(
                    "seal {number}, of {period}, was rewritten: its hash is {}, and {hash} was noted in the log of administrative access: restore the table sealed_years from a backup",
                    held.hash
                ),
                None => bail!(
                    "seal {number}, of {period}, is not in sealed_years, and was noted in the log of administrative access with the hash {hash}: it was deleted, or an older backup was restored; restore the table from a newer backup, or accept the loss with `affluenza verify-year --accept-lost REASON`"
                ),
            }
        }
        Ok(chain)
    }

    /// Reads the chain and verifies its hashes, without the noted seals.
    async fn read_alone(registers: &Registers) -> Result<Self> {
        let mut seals = Vec::new();
        for head in registers.seals().await? {
            let mut content = SealContentWriter::default();
            registers
                .read_content(&head, |piece| content.add(piece))
                .await?;
            seals.push(Seal {
                number: head.number,
                year: head.year,
                month: head.month,
                content: content.finish(),
                previous: head.previous,
                hash: head.hash,
            });
        }
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

    /// Returns the chain as it was when the seal with this hash was its newest, so that the edition
    /// of that day can be printed again. The beginning of the hash is enough.
    ///
    /// # Errors
    /// Not exactly one seal has the hash, or it is of another year or of a month.
    pub fn until(mut self, hash: &str, year: i16, is_public: bool) -> Result<EarlierEdition> {
        let hash = hash.trim().to_ascii_lowercase();
        if hash.len() < HASH_MIN {
            bail!("--seal {hash}: give at least {HASH_MIN} digits of the hash");
        }
        let mut found = self.0.iter().filter(|seal| seal.hash.starts_with(&hash));
        let (Some(seal), None) = (found.next(), found.next()) else {
            bail!(
                "--seal {hash}: not the hash of one seal; `affluenza verify-year {year}` lists those of the year"
            );
        };
        let (number, period) = (seal.number, seal.period());
        if period.month.is_some() {
            bail!(
                "--seal {hash}: it is a seal of {period}, and editions of months are not printed again"
            );
        }
        if period != ClosedPeriod::from(year) {
            bail!("--seal {hash}: it is a seal of {period}: give --year {period}");
        }
        let remark = self.remark_on(number, year, is_public)?;
        self.0.truncate(number as usize);
        Ok(EarlierEdition {
            chain: self,
            remark,
        })
    }

    /// Returns which edition the seal with this number stands for, and the one that replaced it; `None`
    /// for the newest.
    fn remark_on(&self, asked: u32, year: i16, is_public: bool) -> Result<Option<String>> {
        let mut numbers = Vec::new();
        for seal in self.of(year) {
            // A seal without a public edition leaves the earlier one.
            if !is_public || matches!(seal.open_people()?.public, Outcome::Edition(_)) {
                numbers.push(seal.number);
            }
        }
        let printed = numbers.iter().rev().find(|number| **number <= asked);
        let (Some(printed), Some(newest)) = (printed, numbers.last()) else {
            return Ok(None);
        };
        let mut remark = match *printed == asked {
            true => format!("this is the edition of seal {printed}"),
            false => format!(
                "this is the public edition of seal {printed}, which seal {asked} left unchanged"
            ),
        };
        if newest > printed {
            remark += &format!("; seal {newest} of {year} replaced it");
        }
        Ok((newest > printed || *printed != asked).then_some(remark))
    }

    /// Returns the seals of a period, oldest first.
    fn of(&self, period: impl Into<ClosedPeriod>) -> impl DoubleEndedIterator<Item = &Seal> {
        let period = period.into();
        self.0.iter().filter(move |seal| seal.period() == period)
    }

    /// Returns the newest seal of a year or a month and its content.
    pub fn newest(&self, period: impl Into<ClosedPeriod>) -> Result<Option<(&Seal, SealedYear)>> {
        let newest = self.of(period).next_back();
        newest.map(|seal| Ok((seal, seal.open()?))).transpose()
    }

    /// Returns the newest public edition of a year.
    ///
    /// # Errors
    /// The year has no public edition.
    pub fn newest_edition(&self, year: i16) -> Result<PublicYear> {
        let newest = self.editions(year)?.pop();
        newest.ok_or_else(|| NoEdition::Open(year.into()).into())
    }

    /// Returns all public editions of a year or a month, oldest first.
    ///
    /// # Errors
    /// An edition cannot be read.
    pub fn editions(&self, period: impl Into<ClosedPeriod>) -> Result<Vec<PublicYear>> {
        let seals = self.of(period);
        let editions = seals.filter_map(|seal| {
            seal.open_people()
                .map(|sealed| edition(seal, &sealed))
                .transpose()
        });
        editions.map(|edition| Ok(edition??)).collect()
    }

    /// Returns the seal's content with the newest public edition of a period, without bots.
    pub fn published(&self, period: ClosedPeriod) -> Result<Option<SealedYear>> {
        for seal in self.of(period).rev() {
            let sealed = seal.open_people()?;
            if matches!(sealed.public, Outcome::Edition(_)) {
                return Ok(Some(sealed));
            }
        }
        Ok(None)
    }

    /// Returns all public editions of the months of a year, those of one month with the oldest first.
    ///
    /// # Errors
    /// An edition cannot be read.
    pub fn editions_of_months(&self, year: i16) -> Result<Vec<PublicYear>> {
        let mut editions = Vec::new();
        for month in ClosedPeriod::from(year).months() {
            editions.extend(self.editions(ClosedPeriod::month(year, month))?);
        }
        Ok(editions)
    }

    /// Returns all seals of a year with their contents, oldest first. The figures that are not
    /// counted may be empty.
    pub fn closings(&self, year: i16, counted: Counted) -> Result<Vec<(SealNote, SealedYear)>> {
        let opened = self.of(year).map(|seal| {
            let sealed = match counted {
                Counted::People => seal.open_people()?,
                Counted::All => seal.open()?,
            };
            Ok((SealNote::of(seal, &sealed), sealed))
        });
        opened.collect()
    }

    fn years(&self) -> Result<ClosedYears> {
        let mut years = BTreeMap::new();
        for seal in &self.0 {
            // A later seal of a period replaces the earlier one.
            let sealed = seal.open_people()?;
            // A seal without an edition leaves the earlier one.
            let Some(edition) = edition(seal, &sealed) else {
                continue;
            };
            let closed = ClosedYear {
                seal: seal.number,
                closed_at: sealed.sealed_at,
                edition: edition.map(Arc::new),
            };
            years.insert(seal.period(), closed);
        }
        Ok(years)
    }
}

/// Returns the published editions of the closed years and months, or the reason why they cannot be read.
pub async fn closed_years(registers: &Registers, witness: &Witness) -> Closed {
    let chain = Chain::read(registers, witness).await;
    let years = chain.and_then(|chain| chain.years());
    years.map_err(|error| format!("{error:#}"))
}

/// Returns the public edition decided with a seal; `None` if an earlier edition stays.
fn edition(seal: &Seal, sealed: &SealedYear) -> Option<Result<PublicYear, NoEdition>> {
    let public = sealed.edition()?;
    Some(public.map_err(|cause| NoEdition::Unprotected {
        period: seal.period(),
        seal: seal.number,
        cause,
    }))
}

#[cfg(test)]
mod tests {
    use affluenza_disclosure::edition::Decided;
    use affluenza_store::figures::Figures;

    use super::*;

    /// Returns the content of a seal of 2017, or of one of its months.
    fn content(month: Option<u8>, has_edition: bool) -> SealedYear {
        let decided = Decided {
            small_count: 3,
            uses: Vec::new(),
            accesses: Vec::new(),
            has_users: true,
        };
        SealedYear {
            year: 2017,
            month,
            sealed_at: "2018-01-31T10:00:00Z".into(),
            cause: String::new(),
            rules: Vec::new(),
            ends: Vec::new(),
            figures: Figures::default(),
            published: None,
            figures_before: Figures::default(),
            register: String::new(),
            sources: Vec::new(),
            losses: Vec::new(),
            secret: String::new(),
            public: match has_edition {
                true => Outcome::Edition(decided),
                false => Outcome::Unchanged,
            },
        }
    }

    /// Returns the chain of a closed month, and of its year, restated twice.
    fn chain() -> Chain {
        let contents = [(Some(3), true), (None, true), (None, false), (None, true)];
        let mut seals: Vec<Seal> = Vec::new();
        for (month, has_edition) in contents {
            seals.push(content(month, has_edition).seal(seals.last()));
        }
        Chain(seals)
    }

    #[test]
    fn an_earlier_edition_is_named_as_it_is_printed() {
        for (seal, is_public, length, remark) in [
            (
                2,
                false,
                2,
                Some("the edition of seal 2; seal 4 of 2017 replaced it"),
            ),
            (
                3,
                false,
                3,
                Some("the edition of seal 3; seal 4 of 2017 replaced it"),
            ),
            (4, false, 4, None),
            (
                2,
                true,
                2,
                Some("the edition of seal 2; seal 4 of 2017 replaced it"),
            ),
            (
                3,
                true,
                3,
                Some(
                    "the public edition of seal 2, which seal 3 left unchanged; seal 4 of 2017 replaced it",
                ),
            ),
            (4, true, 4, None),
        ] {
            let chain = chain();
            let hash = chain.0[seal - 1].hash.clone();
            let earlier = chain.until(&hash, 2017, is_public).unwrap();
            let remark = remark.map(|remark| format!("this is {remark}"));
            assert_eq!(earlier.remark, remark, "{seal} {is_public}");
            assert_eq!(earlier.chain.0.len(), length);
        }
    }

    #[test]
    fn editions_of_months_and_other_years_are_refused() {
        for (seal, year, said) in [
            (
                1,
                2017,
                "a seal of 2017-03, and editions of months are not printed again",
            ),
            (2, 2018, "a seal of 2017: give --year 2017"),
        ] {
            let chain = chain();
            let hash = chain.0[seal - 1].hash.clone();
            let refused = chain.until(&hash, year, false).err().unwrap().to_string();
            assert!(refused.ends_with(said), "{refused}");
        }
    }
}
