//! A request for a page: language, period and ente of its address.

use affluenza_words::Language;
use axum::extract::Query;
use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::embed::FigureRequest;
use super::forms::PublicFigures;
use super::frame::{PageText, escaped};
use super::{Pages, language};

/// Content of a page before its figures have come.
const SKELETON: &str = "<div class=\"skeleton\" aria-hidden=\"true\"></div>";

/// A request for a page.
pub(crate) struct PageRequest<'r> {
    pages: &'r Pages,
    uri: &'r Uri,
    pub language: Language,
    base: String,
    parameters: Vec<(String, String)>,
}

impl<'r> PageRequest<'r> {
    pub fn new(pages: &'r Pages, uri: &'r Uri, headers: &HeaderMap) -> Self {
        let parameters = Query::try_from_uri(uri).map(|Query(parameters)| parameters);
        Self {
            parameters: parameters.unwrap_or_default(),
            pages,
            uri,
            language: language::chosen(uri.query(), headers),
            base: pages.site().base(headers),
        }
    }

    /// Returns the text of a page whose figures the scripts add.
    pub fn text(&self, view: &str) -> PageText {
        self.titled(self.language.say(&format!("page-{view}"), &[]))
    }

    /// Returns the text of a page with another title.
    pub fn titled(&self, title: String) -> PageText {
        PageText {
            language: self.language,
            path: self.uri.path().to_owned(),
            query: String::new(),
            period: self.period(),
            base: self.base.clone(),
            description: self.language.say("web-tagline", &[]),
            picture: None,
            first: format!("<h1>{}</h1>{SKELETON}", escaped(&title)),
            title,
        }
    }

    /// Returns the public figures of an ente, or of all: those of the period of the address if it has
    /// any, otherwise those of the newest closed one; `None` without any.
    pub async fn figures(&self, code: &str) -> Option<PublicFigures> {
        for period in self.period().map(Some).into_iter().chain([None]) {
            let period = period.map(|period| ("period".to_owned(), period));
            let request = FigureRequest {
                code,
                language: self.language,
                pairs: period.as_slice(),
                base: self.base.clone(),
            };
            if let Ok(figures) = request.read(self.pages).await {
                return Some(figures);
            }
        }
        None
    }

    /// Returns the first value of a parameter of the address.
    pub fn parameter(&self, wanted: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(name, _)| name == wanted);
        found.map(|(_, value)| &**value)
    }

    /// Returns the period of the address as the API names it, such as `2015` or `2015-03`.
    fn period(&self) -> Option<String> {
        if let Some(period) = self.parameter("period") {
            return Some(period.to_owned());
        }
        let year = self.parameter("year")?;
        let month: Option<u8> = self.parameter("month").and_then(|month| month.parse().ok());
        Some(month.map_or_else(|| year.to_owned(), |month| format!("{year}-{month:02}")))
    }

    /// Answers with a page that a browser does not have, since a 304 has no such status.
    pub fn refusal(&self, status: StatusCode, headers: &HeaderMap, text: &PageText) -> Response {
        let mut headers = headers.clone();
        headers.remove(IF_NONE_MATCH);
        (status, self.pages.page(&headers, text)).into_response()
    }
}
