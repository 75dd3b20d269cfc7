//! Findings of closed years, in sentences.

use affluenza_disclosure::edition::{Editions, NoEdition};
use affluenza_http::Problem;
use affluenza_register::{Ente, Register};
use affluenza_words::Language;

use super::Pages;

/// Year, ente and language of findings.
#[derive(Debug, Clone, Copy)]
pub struct FindingsRequest<'r> {
    /// Closed year.
    pub year: i16,
    /// Registered code of the only ente; `None` for all.
    pub ente: Option<&'r str>,
    /// Language of the sentences.
    pub language: Language,
}

/// Writes the findings of a closed year as sentences, from its public edition. The most important
/// comes first.
pub type WriteFindings =
    fn(&Editions, &Register, FindingsRequest<'_>) -> Result<Vec<String>, NoEdition>;

/// Returns the findings of a year; none for a year without a public edition.
pub(crate) async fn findings(
    pages: &Pages,
    request: FindingsRequest<'_>,
) -> Result<Vec<String>, Problem> {
    let api = pages.api();
    let Some(write) = pages.site().findings.filter(|_| api.is_public()) else {
        return Ok(Vec::new());
    };
    let register = api.snapshot().await?.register.clone();
    let ente = request.ente.map(|code| register.ente(code).map(Ente::code));
    // Nothing is known of an ente that is not in the register.
    if ente == Some(None) {
        return Ok(Vec::new());
    }
    let ente = ente.flatten();
    let found = write(
        api.editions(),
        &register,
        FindingsRequest { ente, ..request },
    );
    Ok(found.unwrap_or_default())
}
