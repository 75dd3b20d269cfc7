//! Public figures for other sites: a script with the element `<affluenza-figure>`, a badge, and a
//! table without scripts. They show the public edition, whatever key a request has.

use std::fmt::Write as _;
use std::sync::LazyLock;

use affluenza_disclosure::Count;
use affluenza_http::{Peer, Problem};
use affluenza_register::Register;
use affluenza_store::usage::Dimension;
use affluenza_words::{Language, WordArg};
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};

use super::assets::ASSETS;
use super::frame::escaped;
use super::{Pages, language};
use crate::asked::Asked;
use crate::open::{self, needs_key};
use crate::period::Period;
use crate::question::{Measure, Question, Resource};
use crate::service::problem;
use crate::source::{FigureSource, PeriodCounts, Split};

/// Code in the address of the figures of all enti.
pub(crate) const ALL: &str = "all";
/// A year that is closed once more has other figures, at most an hour later.
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
/// Greatest number of characters of a name on a badge.
const NAME_CHARACTERS_MAX: usize = 38;
const HTML: &str = "text/html; charset=utf-8";

/// Returns the script. Its first line holds the words of all languages.
pub(crate) fn script() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| {
        let words = Language::ALL.map(|language| {
            let words = serde_json::Value::from(language.patterns(&MESSAGES));
            (language.to_string(), words)
        });
        let words = serde_json::Value::from(serde_json::Map::from_iter(words));
        include_str!("figure.js").replace("{{ words }}", &words.to_string())
    });
    &SCRIPT
}

/// Public figures of a year: service uses by category, or accesses by device.
pub(crate) struct PublicFigures {
    language: Language,
    measure: Measure,
    /// Name of the ente, or of all enti.
    name: String,
    year: i16,
    rows: Vec<PublicRow>,
    total: Count,
    /// Name of the publisher; may be empty.
    publisher: String,
    /// Address of the page with more figures.
    link: String,
}

struct PublicRow {
    name: String,
    count: Count,
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
    let (kind, body) = match &*form {
        "badge.svg" => ("image/svg+xml", figures.badge()),
        "table.html" => (HTML, figures.table()),
        "page.html" => (HTML, figures.page()),
        _ => return Err(Problem::not_found("use badge.svg, table.html or page.html")),
    };
    let mut response = body.into_response();
    pages.decorate(response.headers_mut(), figures.language);
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, CACHING),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Answers with the script of `<affluenza-figure>`.
pub(crate) async fn element(headers: HeaderMap) -> Response {
    let kind = "text/javascript; charset=utf-8";
    let mut response = super::written(&headers, kind, script().into());
    for (name, value) in [
        (CACHE_CONTROL, CACHING),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (VARY, "Accept-Encoding"),
    ] {
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
        let register = api.snapshot().await?.register.clone();
        let ente = register.ente(self.code);
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
        let newest = || Period::year(*api.editions().years().ok()?.last()?);
        let period = question.period.or_else(newest);
        let period = period.ok_or_else(|| Problem::not_found("no year is closed yet"))?;
        let asked = Asked::new(&question, period)?;
        open::check(&asked)?;
        let source = FigureSource::Public(api.editions());
        let counts = source.counts(&question, period, &question.group, Split::No);
        let counts = counts.await.map_err(problem)?;
        let all = || self.language.say("web-all-enti", &[]);
        let path = ente.map_or_else(|| "/".to_owned(), |ente| format!("/enti/{}", ente.code()));
        let year = period.first().year();
        Ok(PublicFigures {
            language: self.language,
            measure: question.measure,
            name: ente.map_or_else(all, |ente| ente.name().to_owned()),
            year,
            total: counts.total.count,
            rows: rows(counts, &register, self.language),
            publisher: pages.site().publisher.clone(),
            link: format!("{}{path}?year={year}&lang={}", self.base, self.language),
        })
    }
}

/// Returns the rows with their names, in the order of the names.
fn rows(counts: PeriodCounts, register: &Register, language: Language) -> Vec<PublicRow> {
    let rows = counts.rows.into_iter().filter_map(|(labels, counts)| {
        let label = labels.into_iter().next()?;
        let category = register.category(&label.text);
        let category =
            category.map(|known| language.choose(known.name_it(), known.name_en()).to_owned());
        let device = || language.message(&format!("web-device-{}", label.text), &[]);
        let none = || language.say("web-no-category", &[]);
        Some(PublicRow {
            name: category.or_else(device).unwrap_or_else(none),
            count: counts.count,
        })
    });
    let mut rows = Vec::from_iter(rows);
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

impl PublicFigures {
    /// Returns name, total and unit.
    pub fn whole(&self) -> String {
        format!("{}: {} {}", self.name, self.total(), self.unit())
    }

    /// Writes the content of a page: title, total and table.
    pub fn section(&self, title: &str) -> String {
        let [title, total, unit] = [title, &self.total(), &self.unit()].map(escaped);
        format!(
            "<h1>{title}<small>{}</small></h1><div class=\"grid\"><dl class=\"card figures\"><div><dt>{unit}</dt>\
             <dd><div class=\"great\">{total}</div></dd></div></dl><section class=\"card\">{}</section></div>",
            self.year,
            self.rows()
        )
    }

    /// Returns the total, or the mark of a hidden one.
    fn total(&self) -> String {
        self.count(self.total)
    }

    fn count(&self, count: Count) -> String {
        let hidden = || self.language.say("web-secret", &[]);
        count
            .shown()
            .map_or_else(hidden, |count| self.language.count(count))
    }

    fn say(&self, id: &str) -> String {
        let words: [WordArg<'_>; 3] = [
            ("name", self.name.as_str().into()),
            ("year", self.year.to_string().into()),
            ("publisher", self.publisher.as_str().into()),
        ];
        self.language.say(id, &words)
    }

    /// Returns the unit: uses or accesses, and the year.
    fn unit(&self) -> String {
        match self.measure {
            Measure::Accesses => self.say("embed-accesses"),
            _ => self.say("embed-uses"),
        }
    }

    /// Returns who publishes the figures; empty without a publisher.
    fn source(&self) -> String {
        match self.publisher.is_empty() {
            true => String::new(),
            false => self.say("embed-source"),
        }
    }

    /// Draws a badge. It has attributes and no styles, so that every policy allows it.
    fn badge(&self) -> String {
        let mut name: String = self.name.chars().take(NAME_CHARACTERS_MAX).collect();
        if name != self.name {
            name.push('…');
        }
        let [whole, name, total, unit, source] =
            [self.whole(), name, self.total(), self.unit(), self.source()]
                .map(|text| escaped(&text));
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="320" height="120" viewBox="0 0 320 120" role="img" aria-labelledby="t d" lang="{language}" font-family="'Titillium Web', system-ui, 'Segoe UI', Roboto, sans-serif">
<title id="t">{whole}</title>
<desc id="d">{source}</desc>
<rect x=".5" y=".5" width="319" height="119" rx="6" fill="#fff" stroke="#7d8fa1"/>
<rect width="6" height="120" rx="3" fill="#0066cc"/>
<text x="20" y="30" font-size="15" font-weight="600" fill="#17324d">{name}</text>
<text x="20" y="70" font-size="34" font-weight="600" fill="#0059b3">{total}</text>
<text x="20" y="92" font-size="13" fill="#455b71">{unit}</text>
<text x="20" y="110" font-size="11" fill="#455b71">{source}</text>
</svg>
"##,
            language = self.language,
        )
    }

    /// Writes the table with a link to all figures, without scripts and styles.
    fn table(&self) -> String {
        let [more, link, source] =
            [&self.say("embed-more"), &self.link, &self.source()].map(|text| escaped(text));
        let language = self.language;
        self.rows()
            + &format!(
                "<p lang=\"{language}\"><a href=\"{link}\" target=\"_top\">{more}</a> {source}</p>\n"
            )
    }

    /// Writes the table, with a note if a count is hidden.
    fn rows(&self) -> String {
        let id = match self.measure {
            Measure::Accesses => "web-device",
            _ => "web-category",
        };
        let [caption, first, unit, total, sum] = [
            format!("{}: {}", self.name, self.unit()),
            self.say(id),
            self.say(&format!("embed-column-{}", self.measure.name())),
            self.say("web-total"),
            self.total(),
        ]
        .map(|text| escaped(&text));
        let language = self.language;
        let mut html = format!(
            "<table lang=\"{language}\"><caption>{caption}</caption>\n<thead><tr><th scope=\"col\">{first}</th>\
             <th scope=\"col\" class=\"number\">{unit}</th></tr></thead>\n<tbody>\n"
        );
        let mut has_hidden = self.total.shown().is_none();
        for row in &self.rows {
            has_hidden |= row.count.shown().is_none();
            let (name, count) = (escaped(&row.name), escaped(&self.count(row.count)));
            _ = writeln!(
                html,
                "<tr><th scope=\"row\">{name}</th><td class=\"number\">{count}</td></tr>"
            );
        }
        _ = writeln!(
            html,
            "</tbody>\n<tfoot><tr><th scope=\"row\">{total}</th><td class=\"number\">{sum}</td></tr></tfoot></table>"
        );
        if has_hidden {
            let note = escaped(&self.say("embed-hidden"));
            _ = writeln!(html, "<p lang=\"{language}\">{note}</p>");
        }
        html
    }

    /// Writes a page for a frame.
    fn page(&self) -> String {
        let title = escaped(&format!("{}: {}", self.name, self.unit()));
        format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title}</title><link rel=\"stylesheet\" href=\"{}\"></head>\
             <body><main>{}</main></body></html>\n",
            self.language,
            ASSETS.address("app.css"),
            self.table()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, total: Count) -> PublicFigures {
        let row = |name: &str, count| PublicRow {
            name: name.to_owned(),
            count,
        };
        PublicFigures {
            language: Language::IT,
            measure: Measure::ServiceUses,
            name: name.to_owned(),
            year: 2017,
            rows: vec![
                row("Tributi", Count::Shown(1859)),
                row("Casa <b>", Count::Hidden),
            ],
            total,
            publisher: "Centro".to_owned(),
            link: "https://uso.example.it/enti/c_a?year=2017&lang=it".to_owned(),
        }
    }

    #[test]
    fn a_badge_names_itself_and_cuts_long_names_only_in_its_picture() {
        let name = "Unione dei Comuni di \"Alfa\", Beta, Gamma e Delta";
        let badge = figures(name, Count::Shown(12_345)).badge();
        let title = "<title id=\"t\">Unione dei Comuni di &quot;Alfa&quot;, Beta, Gamma e Delta: \
                     12.345 utilizzi dei servizi digitali nel 2017</title>";
        assert!(badge.contains(title), "{badge}");
        assert!(badge.contains("Beta, Gam…</text>"), "{badge}");
        assert!(badge.contains("<desc id=\"d\">Fonte: Centro.</desc>"));
        assert!(!badge.contains("style"), "no policy forbids it");
    }

    #[test]
    fn a_table_has_its_total_its_link_and_no_hidden_count() {
        let table = figures("Alfa", Count::Hidden).table();
        for part in [
            "<caption>Alfa: utilizzi dei servizi digitali nel 2017</caption>",
            "<th scope=\"row\">Tributi</th><td class=\"number\">1.859</td>",
            "<th scope=\"row\">Casa &lt;b></th><td class=\"number\">riservato</td>",
            "<th scope=\"row\">Totale</th><td class=\"number\">riservato</td>",
            "<p lang=\"it\">Riservato: ",
            "<a href=\"https://uso.example.it/enti/c_a?year=2017&amp;lang=it\" target=\"_top\">",
        ] {
            assert!(table.contains(part), "{part}: {table}");
        }
        let shown = PublicFigures {
            rows: Vec::new(),
            ..figures("Alfa", Count::Shown(3))
        };
        assert!(!shown.table().contains("Riservato"));
    }

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
        assert!(script().len() < 16 * 1024, "{} bytes", script().len());
    }
}
