//! Decides the public edition of a year or a month while it is closed.

use affluenza_disclosure::edition::{OpenMonth, OpenYear, Outcome, offered};
use affluenza_disclosure::{Secret, Threshold};
use affluenza_report::SealedYear;
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
        return Ok(seal.open()?.secret);
    }
    let mut drawn = [0_u8; 32];
    getrandom::fill(&mut drawn).map_err(|error| anyhow!("no random numbers: {error}"))?;
    Ok(hex::encode(drawn))
}

/// Decides the public edition of a period that is being closed. The earlier editions of its year are
/// known.
pub fn decide(sealed: &SealedYear, small_count: u64, chain: &Chain) -> Result<Outcome> {
    let (period, figures) = (sealed.period(), sealed.open_figures());
    let threshold = Threshold { k: small_count };
    let secret = Secret::of(&sealed.secret);
    let months = chain.editions_of_months(period.year)?;
    let decided = if period.month.is_some() {
        let month = OpenMonth {
            period,
            figures: &figures,
            editions: &months,
        };
        Outcome::decide_month(month, threshold, &secret)
    } else {
        let register = sealed
            .register()
            .map_err(|errors| anyhow!("the register: {errors}"))?;
        let year = OpenYear {
            year: period.year,
            figures: &figures,
            offered: &offered(&register, period.year),
            months: &months,
        };
        Outcome::decide(year, threshold, &secret, &chain.editions(period)?)
    };
    decided.with_context(|| {
        format!("small counts of {period} cannot be hidden, and nothing was closed")
    })
}
