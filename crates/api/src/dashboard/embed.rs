//! Public figures for other sites: a script with the element `<affluenza-figure>`, a badge, a
//! picture for previews of links, and a table without scripts. They show the public edition, whatever key a request has.

use std::sync::{Arc, LazyLock};

use affluenza_disclosure::Count;
use affluenza_disclosure::edition::ClosedPeriod;
use affluenza_http::{Peer, Problem};
use affluenza_register::{Ente, Register};
use affluenza_store::usage::Dimension;
use affluenza_words::Language;
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use bytes::Bytes;
use quick_cache::sync::Cache;

use super::forms::{PublicFigures, PublicRow};
use super::{Pages, language, tagged};
use crate::asked::Asked;
use crate::basis::Basis;
use crate::open::{self, needs_key};
use crate::period::Period;
use crate::question::{Measure, Question, Resource};
use crate::service::problem;
use crate::source::{FigureSource, PeriodCounts, Split};

/// Code in the address of the figures of all enti.
pub(crate) const ALL: &str = "all";
/// A period that is closed once more has other figures, at most an hour later.
const CACHING: &str = "public, max-age=3600";
const PARAMETERS: [&str; 3] = ["period", "measure", "lang"];
/// Messages that the script uses.
const MESSAGES: [&str; 14] = [
    "embed-",
    "language-locale",
    "web-band-",
    "web-bookings",
    "web-device-",
    "web-empty",
    "web-failed",
    "web-loading",
    "web-nd",
    "web-no-category",
    "web-payments",
    "web-plain",
    "web-secret",
    "web-total",
];
const HTML: &str = "text/html; charset=utf-8";

/// Returns the script. Its first line holds the words of all languages.
pub(crate) fn script() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| {
        let words = Language::ALL.map(|language| {
            let words = serde_json::Value::from(language.patterns(&MESSAGES));
            (language.to_string(), words)
        });
        let words = serde_json::Value::from(serde_json::Map::from_iter(words));
        let percents = include_str!("../../assets/percent.js").replace("export ", "");
        let script = include_str!("figure.js").replace("{{ words }}", &words.to_string());
        script.replace("{{ percents }}", &percents)
    });
    &SCRIPT
}

/// Figures of recent requests.
pub(crate) type FigureCache = Cache<FigureKey, CountedFigures>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FigureKey {
    basis: Basis,
    language: Language,
    question: Question,
    period: Period,
}

#[derive(Clone)]
pub(crate) struct CountedFigures {
    total: Count,
    rows: Arc<[PublicRow]>,
}

/// A request for public figures.
pub(crate) struct FigureRequest<'r> {
    /// Code or name of an ente, or [`ALL`].
    pub code: &'r str,
    pub language: Language,
    pub pairs: &'r [(String, String)],
    /// Address of the pages.
    pub base: String,
}

/// Answers with a form of the public figures of an ente.
pub(crate) async fn figures(
    State(pages): State<Pages>,
    Path((code, form)): Path<(String, String)>,
    Extension(peer): Extension<Peer>,
    Query(mut pairs): Query<Vec<(String, String)>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    pages.api().admit(peer, &headers)?;
    pairs.retain(|(name, _)| name != "lang");
    if let Some((name, _)) = pairs
        .iter()
        .find(|(name, _)| !PARAMETERS.contains(&&**name))
    {
        let detail = "figures for other sites have no such parameter";
        return Err(Problem::parameter(name, detail, &PARAMETERS));
    }
    let request = FigureRequest {
        code: &code,
        language: language::chosen(uri.query(), &headers),
        pairs: &pairs,
        base: pages.site().base(&headers),
    };
    let figures = request.read(&pages).await?;
    let (kind, body): (_, Bytes) = match &*form {
        "badge.svg" => ("image/svg+xml", figures.badge().into()),
        "picture.png" => ("image/png", pages.0.pictures.png(&figures.picture()).await?),
        "table.html" => (HTML, figures.table().into()),
        "page.html" => (HTML, figures.page().into()),
        _ => {
            let detail = "use badge.svg, picture.png, table.html or page.html";
            return Err(Problem::not_found(detail));
        }
    };
    let mut response = tagged(&headers, kind, body);
    pages.decorate(response.headers_mut(), figures.language);
    let caching = HeaderValue::from_static(CACHING);
    response.headers_mut().insert(CACHE_CONTROL, caching);
    Ok(response)
}

/// Answers with the script of `<affluenza-figure>`.
pub(crate) async fn element(headers: HeaderMap) -> Response {
    let kind = "text/javascript; charset=utf-8";
    let mut response = super::written(&headers, kind, script().into());
    for (name, value) in [(CACHE_CONTROL, CACHING), (VARY, "Accept-Encoding")] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

impl FigureRequest<'_> {
    /// Reads the public figures of the request.
    pub async fn read(&self, pages: &Pages) -> Result<PublicFigures, Problem> {
        let api = pages.api();
        if !api.is_public() {
            return Err(needs_key("figures for other sites are not public here"));
        }
        let snapshot = api.snapshot().await?;
        let ente = snapshot.register.ente(self.code);
        if ente.is_none() && self.code != ALL {
            return Err(Problem::not_found("the register has no such ente"));
        }
        let mut question = Question::parse(Resource::Usage, self.pairs)?;
        if question.measure == Measure::Accesses {
            question.group = vec![Dimension::Device];
        }
        if let Some(ente) = ente {
            let only = vec![ente.code().to_owned()];
            question.filters.insert(Dimension::Ente, only);
        }
        let period = question.period.or_else(|| api.newest_public());
        let period = period.ok_or_else(|| Problem::not_found("no year is closed yet"))?;
        let Some(&[closed]) = period.closed().as_deref() else {
            return Err(needs_key(
                "figures of another page are of a year or a month",
            ));
        };
        // Months have no public categories.
        if closed.month.is_some() && question.measure != Measure::Accesses {
            question.group = vec![Dimension::Month];
        }
        let asked = Asked::new(&question, period, None)?;
        open::check(&asked)?;
        let key = FigureKey {
            basis: Basis::of_public(&asked, api.editions(), &snapshot),
            language: self.language,
            question: question.clone(),
            period,
        };
        let counted = async {
            let source = FigureSource::Public(api.editions());
            let counts = source.counts(&question, period, &question.group, Split::No);
            let counts = counts.await.map_err(problem)?;
            let total = counts.total.count;
            let rows = rows(counts, &snapshot.register, self.language);
            Ok(CountedFigures { total, rows })
        };
        let counted = pages.0.figures.get_or_insert_async(&key, counted).await?;
        let all = || capitalised(&self.language.say("web-all-enti", &[]));
        let path = ente.map_or_else(|| "/".to_owned(), |ente| format!("/enti/{}", ente.code()));
        let ClosedPeriod { year, month } = closed;
        let month = month.map(|month| format!("&month={month}"));
        let month = month.unwrap_or_default();
        Ok(PublicFigures {
            language: self.language,
            measure: question.measure,
            code: ente.map_or(ALL, Ente::code).to_owned(),
            name: ente.map_or_else(all, |ente| ente.name().to_owned()),
            period: closed,
            total: counted.total,
            rows: counted.rows,
            publisher: pages.site().publisher.clone(),
            link: format!(
                "{}{path}?year={year}{month}&lang={}",
                self.base, self.language
            ),
        })
    }
}

/// Returns a text with a capital at its beginning.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Returns the rows with their names, in the order of the names.
fn rows(counts: PeriodCounts, register: &Register, language: Language) -> Arc<[PublicRow]> {
    let rows = counts.rows.into_iter().filter_map(|(labels, counts)| {
        let label = labels.into_iter().next()?;
        let category = register.category(&label.text);
        let category =
            category.map(|known| language.choose(known.name_it(), known.name_en()).to_owned());
        let month = || {
            let month: ClosedPeriod = label.text.parse().ok()?;
            let name = language.month(month.month?.cast_signed());
            Some(format!("{name} {}", month.year))
        };
        let device = || language.message(&format!("web-device-{}", label.text), &[]);
        // A category that has left the register has its code only.
        let code = || match &*label.text {
            "" => language.say("web-no-category", &[]),
            code => code.to_owned(),
        };
        Some(PublicRow {
            name: category.or_else(device).or_else(month).unwrap_or_else(code),
            count: counts.count,
        })
    });
    let mut rows = Vec::from_iter(rows);
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_has_the_words_of_every_language() {
        for part in [
            "\"it\":",
            "\"en\":",
            "\"embed-more\":",
            "\"web-device-tablet\":",
        ] {
            assert!(script().contains(part), "{part}");
        }
        assert!(!script().contains("{{"));
        assert!(script().len() < 17 * 1024, "{} bytes", script().len());
    }
}
