//! Decides the public edition of a year while it is closed.

use affluenza_disclosure::edition::{OpenYear, Outcome, PublicYear, offered};
use affluenza_disclosure::{Secret, Threshold};
use affluenza_report::SealedYear;
use affluenza_store::open::OpenFigures;
use anyhow::{Context, Result, anyhow};

/// True if a seal has a public edition with all counts below `small_count` suppressed, or leaves an
/// earlier edition unchanged.
pub fn has_edition(sealed: &SealedYear, small_count: u64) -> bool {
    match &sealed.public {
        Outcome::Edition(decided) => decided.small_count >= small_count,
        Outcome::Unchanged => true,
    }
}

/// Returns the secret of the year's earlier seal, or a new one.
pub fn secret_of(newest: Option<&SealedYear>) -> Result<String> {
    if let Some(sealed) = newest {
        return Ok(sealed.secret.clone());
    }
    let mut drawn = [0_u8; 32];
    getrandom::fill(&mut drawn).map_err(|error| anyhow!("no random numbers: {error}"))?;
    Ok(hex::encode(drawn))
}

/// Decides the public edition of a year that is being closed. `earlier` holds its previous
/// editions.
pub fn decide(sealed: &SealedYear, small_count: u64, earlier: &[PublicYear]) -> Result<Outcome> {
    let year = sealed.year;
    let register = sealed
        .register()
        .map_err(|errors| anyhow!("the register: {errors}"))?;
    let figures = OpenFigures::of_closed(&sealed.figures.people);
    let threshold = Threshold { k: small_count };
    let secret = Secret::of(&sealed.secret);
    let open = OpenYear {
        year,
        figures: &figures,
        offered: &offered(&register, year),
    };
    Outcome::decide(open, threshold, &secret, earlier)
        .with_context(|| format!("small counts of {year} cannot be hidden, and nothing was closed"))
}
