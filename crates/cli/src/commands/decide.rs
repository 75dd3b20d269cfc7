//! Decides the public edition of a year or a month while it is closed.

use affluenza_disclosure::edition::{ClosedPeriod, Offered, OpenMonth, OpenYear, Outcome, offered};
use affluenza_disclosure::{Secret, Threshold};
use affluenza_report::SealedYear;
use affluenza_store::open::OpenFigures;
use anyhow::{Context, Result, anyhow};

use super::chain::Chain;

/// True if a seal has a public edition with all counts below `small_count` suppressed, or leaves an
/// earlier edition unchanged.
pub fn has_edition(sealed: &SealedYear, small_count: u64) -> bool {
    match &sealed.public {
        Outcome::Edition(decided) => decided.small_count >= small_count,
        Outcome::Unchanged => true,
    }
}

/// Returns the secret of an earlier seal of the year or of one of its months, or a new one.
pub fn secret_of(chain: &Chain, year: i16) -> Result<String> {
    let mut seals = chain.seals().iter();
    if let Some(seal) = seals.find(|seal| seal.period().year == year) {
        return Ok(seal.open_people()?.secret);
    }
    let mut drawn = [0_u8; 32];
    getrandom::fill(&mut drawn).map_err(|error| anyhow!("no random numbers: {error}"))?;
    Ok(hex::encode(drawn))
}

/// Figures of a period, and what else its public edition depends on.
pub struct OpenPeriod<'p> {
    pub period: ClosedPeriod,
    pub figures: &'p OpenFigures,
    /// Services on offer in a year; empty for a month.
    pub offered: &'p [Offered],
    /// Counts below this are suppressed.
    pub small_count: u64,
    /// Secret of the editions of the year, in hexadecimal digits.
    pub secret: &'p str,
}

impl OpenPeriod<'_> {
    /// Decides the public edition. The earlier editions of its year are known.
    pub fn decide(&self, chain: &Chain) -> Result<Outcome> {
        let Self {
            period, figures, ..
        } = *self;
        let threshold = Threshold {
            k: self.small_count,
        };
        let secret = Secret::of(self.secret);
        let months = chain.editions_of_months(period.year)?;
        if period.month.is_some() {
            let month = OpenMonth {
                period,
                figures,
                editions: &months,
            };
            return Ok(Outcome::decide_month(month, threshold, &secret)?);
        }
        let year = OpenYear {
            year: period.year,
            figures,
            offered: self.offered,
            months: &months,
        };
        let earlier = chain.editions(period)?;
        Ok(Outcome::decide(year, threshold, &secret, &earlier)?)
    }
}

/// Decides the public edition of a period that is being closed.
pub fn decide(sealed: &SealedYear, small_count: u64, chain: &Chain) -> Result<Outcome> {
    let period = sealed.period();
    let offered = match period.month {
        Some(_) => Vec::new(),
        None => {
            let register = sealed.register();
            let register = register.map_err(|errors| anyhow!("the register: {errors}"))?;
            offered(&register, period.year)
        }
    };
    let open = OpenPeriod {
        period,
        figures: &sealed.open_figures(),
        offered: &offered,
        small_count,
        secret: &sealed.secret,
    };
    open.decide(chain).with_context(|| {
        format!("small counts of {period} cannot be hidden, and nothing was closed")
    })
}
