//! Findings of closed years, in sentences.

use std::sync::Arc;

use affluenza_disclosure::edition::{Editions, NoEdition};
use affluenza_http::Problem;
use affluenza_register::{Ente, Register};
use affluenza_words::Language;
use quick_cache::sync::Cache;

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

/// Findings of recent requests.
pub(crate) type FindingsCache = Cache<FindingsKey, Arc<[String]>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FindingsKey {
    year: i16,
    ente: Option<String>,
    language: Language,
    /// Editions of the year and of the year before.
    versions: [Option<String>; 2],
    /// Version of the register.
    register: String,
}

/// Returns the findings of a year; none for a year without a public edition.
pub(crate) async fn findings(
    pages: &Pages,
    request: FindingsRequest<'_>,
) -> Result<Arc<[String]>, Problem> {
    let api = pages.api();
    let Some(write) = pages.site().findings.filter(|_| api.is_public()) else {
        return Ok(Arc::default());
    };
    let register = api.snapshot().await?.register.clone();
    let ente = request.ente.map(|code| register.ente(code).map(Ente::code));
    // Nothing is known of an ente that is not in the register.
    if ente == Some(None) {
        return Ok(Arc::default());
    }
    let request = FindingsRequest {
        ente: ente.flatten(),
        ..request
    };
    let editions = api.editions();
    let key = FindingsKey {
        year: request.year,
        ente: request.ente.map(str::to_owned),
        language: request.language,
        versions: [request.year, request.year.saturating_sub(1)].map(|year| editions.version(year)),
        register: register.version().to_owned(),
    };
    let found = async { write(editions, &register, request).map(Arc::from) };
    let found = pages.0.findings.get_or_insert_async(&key, found).await;
    Ok(found.unwrap_or_default())
}
