//! Findings of a period, in sentences: without a key those of a closed year or month, with a key those
//! of the figures as they are now.

use std::ops::RangeInclusive;
use std::sync::Arc;

use affluenza_disclosure::edition::{ClosedPeriod, Editions, NoEdition};
use affluenza_http::Problem;
use affluenza_http::keys::{Key, Role};
use affluenza_register::{Ente, Register};
use affluenza_words::Language;
use quick_cache::sync::Cache;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::Pages;

/// Years of the calendar that portals use.
const YEARS: RangeInclusive<i16> = 1970..=9998;

/// Findings of a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeriodFindings {
    /// Last counted day of a period that is not over, as `2026-11-29`.
    pub until: Option<String>,
    /// Sentences, the most important first.
    pub sentences: Vec<String>,
}

/// Period, ente and language of findings.
#[derive(Debug, Clone, Copy)]
pub struct FindingsRequest<'r> {
    /// Closed year or month.
    pub period: ClosedPeriod,
    /// Registered code of the only ente; `None` for all.
    pub ente: Option<&'r str>,
    /// Language of the sentences.
    pub language: Language,
}

/// Writes the findings of a closed period as sentences, from its public edition. The most important
/// comes first.
pub type WriteFindings =
    fn(&Editions, &Register, FindingsRequest<'_>) -> Result<Vec<String>, NoEdition>;

/// Question of a reader with a key for the findings of the present figures.
#[derive(Debug)]
pub struct FindingsQuestion {
    /// Year or month, also if it is not over.
    pub period: ClosedPeriod,
    /// Code of the only ente; `None` for all.
    pub ente: Option<String>,
    /// Language of the sentences.
    pub language: Language,
    /// Place for the findings, empty without an answer.
    pub reply: oneshot::Sender<PeriodFindings>,
}

/// Sends questions for findings to the task that reads the figures.
pub type FindingsFeed = mpsc::Sender<FindingsQuestion>;

/// Findings of recent requests.
pub(crate) type FindingsCache = Cache<FindingsKey, Arc<[String]>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FindingsKey {
    period: ClosedPeriod,
    ente: Option<String>,
    language: Language,
    /// Editions of the period and of its year, and those of the year before.
    versions: [Option<String>; 4],
    /// Version of the register.
    register: String,
}

/// Parameters of a question for findings.
#[derive(Debug)]
pub(crate) struct FindingsAsked<'r> {
    pub period: ClosedPeriod,
    pub ente: Option<&'r str>,
    pub language: Language,
}

impl<'r> FindingsAsked<'r> {
    /// Reads the parameters; `None` without a year, or with a wrong one or a wrong month.
    pub fn parse(pairs: &'r [(String, String)], language: Language) -> Option<Self> {
        let value = |wanted: &str| {
            let mut pairs = pairs.iter();
            let found = pairs.find(|(name, _)| name == wanted);
            found.map(|(_, value)| &**value)
        };
        let month = value("month").map(str::parse).transpose().ok()?;
        let year = value("year")?.parse().ok()?;
        let is_known = YEARS.contains(&year) && month.is_none_or(|month| (1..=12).contains(&month));
        is_known.then_some(Self {
            period: ClosedPeriod { year, month },
            ente: value("ente"),
            language,
        })
    }

    /// Returns the findings of the enti of a key; none for some of the enti, since the register of a
    /// finding has all.
    pub async fn of_key(&self, pages: &Pages, key: &Key) -> PeriodFindings {
        let scope = match key.role {
            Role::Admin => None,
            Role::Reader | Role::Writer => key.enti.codes(),
        };
        let ente = match (self.ente, scope) {
            (ente, None) => ente,
            (Some(ente), Some(scope)) if scope.contains(ente) => Some(ente),
            (None, Some(scope)) if scope.len() == 1 => scope.first().map(String::as_str),
            _ => return PeriodFindings::default(),
        };
        let Some(feed) = &pages.site().present_findings else {
            return PeriodFindings::default();
        };
        let (reply, answer) = oneshot::channel();
        let question = FindingsQuestion {
            period: self.period,
            ente: ente.map(str::to_owned),
            language: self.language,
            reply,
        };
        match feed.send(question).await {
            Ok(()) => answer.await.unwrap_or_default(),
            Err(_) => PeriodFindings::default(),
        }
    }

    /// Returns the findings of the public edition of a period; none without one.
    pub async fn of_everybody(&self, pages: &Pages) -> Result<PeriodFindings, Problem> {
        let api = pages.api();
        let write = pages.site().findings;
        let Some(write) = write.filter(|_| api.is_public()) else {
            return Ok(PeriodFindings::default());
        };
        let register = api.snapshot().await?.register.clone();
        let ente = self.ente.map(|code| register.ente(code).map(Ente::code));
        // Nothing is known of an ente that is not in the register.
        if ente == Some(None) {
            return Ok(PeriodFindings::default());
        }
        let request = FindingsRequest {
            period: self.period,
            ente: ente.flatten(),
            language: self.language,
        };
        let editions = api.editions();
        let ClosedPeriod { year, month } = request.period;
        let versions = [
            (year, month),
            (year, None),
            (year - 1, month),
            (year - 1, None),
        ];
        let key = FindingsKey {
            period: request.period,
            ente: request.ente.map(str::to_owned),
            language: request.language,
            versions: versions.map(|(year, month)| editions.version(ClosedPeriod { year, month })),
            register: register.version().to_owned(),
        };
        let found = async { write(editions, &register, request).map(Arc::from) };
        let found = pages.0.findings.get_or_insert_async(&key, found).await;
        Ok(PeriodFindings {
            until: None,
            sentences: found.map(|found| found.to_vec()).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_a_year_and_a_month_of_the_calendar() {
        let asked = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()));
            let pairs = Vec::from_iter(pairs);
            let asked = FindingsAsked::parse(&pairs, Language::IT);
            asked.map(|asked| asked.period)
        };
        assert_eq!(asked(&[("year", "2026")]), Some(ClosedPeriod::from(2026)));
        assert_eq!(
            asked(&[("year", "2026"), ("month", "3")]),
            Some(ClosedPeriod::month(2026, 3))
        );
        for wrong in [
            [("year", "2026"), ("month", "13")],
            [("year", "x"), ("month", "3")],
        ] {
            assert_eq!(asked(&wrong), None, "{wrong:?}");
        }
    }
}
