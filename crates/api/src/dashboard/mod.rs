#![doc = include_str!("README.md")]

mod answers;
mod assets;
mod embed;
mod events;
mod findings;
mod forms;
mod frame;
pub(crate) mod language;
mod picture;
mod request;
mod session;
mod site;

use std::sync::Arc;

use affluenza_disclosure::edition::{ClosedPeriod, PublicMeasure};
use affluenza_http::keys::Sessions;
use affluenza_http::{Peer, Problem};
use affluenza_words::Language;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, REFERRER_POLICY, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use flate2::Compression;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::xxh3_64;

use crate::Api;
use crate::dashboard::assets::ASSETS;
use crate::dashboard::embed::FigureCache;
use crate::dashboard::findings::FindingsCache;
use crate::dashboard::frame::{Frames, PageText, escaped};
use crate::dashboard::picture::Pictures;
use crate::dashboard::request::PageRequest;
use crate::reply::{gzip, is_known, takes_gzip};
use crate::workbook::{SheetTable, XLSX};

pub use events::{EventFate, EventFeed, LastEvents, LastEventsReply, ShownEvent};
pub use findings::{
    FindingsFeed, FindingsQuestion, FindingsRequest, PeriodFindings, WriteFindings,
};
pub(crate) use site::is_address;
pub use site::{PagesConfig, Site, SiteLogo};

/// Addresses of the pages, in the order of the menu. The page `/NAME` has its view in
/// `assets/views/NAME.js` and its title in the message `page-NAME`; `/` is the page `overview`.
pub const PAGES: &[&str] = &[
    "/",
    "/categories",
    "/enti",
    "/services",
    "/variations",
    "/compare",
    "/hours",
    "/devices",
    "/live",
    "/events",
];

/// State of the routes.
#[derive(Clone)]
pub(crate) struct Pages(Arc<Inner>);

struct Inner {
    api: Api,
    frames: Frames,
    policy: HeaderValue,
    sessions: Sessions,
    site: Site,
    figures: FigureCache,
    findings: FindingsCache,
    pictures: Pictures,
    /// Place for the workbook that is written: one at a time.
    workbooks: Semaphore,
}

/// A closed year, or a closed month of another year, as the pages read it.
#[derive(Debug, Serialize)]
pub(crate) struct PublicPeriod {
    year: i16,
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<u8>,
    /// Time of closing, RFC 3339.
    closed_at: String,
}

/// Pages of the last minutes, whatever the period of the address.
const WITHOUT_PERIOD: [&str; 2] = ["live", "events"];
/// Largest number of figures, and of findings, that are kept ready.
const CACHED_MAX: usize = 2_000;

/// Returns the routes of the pages, of their files and of the figures for other sites.
pub fn routes(api: &Api, site: Site, sessions: Sessions) -> Router {
    let pages = Pages(Arc::new(Inner {
        api: api.clone(),
        frames: Frames::new(&site),
        policy: site.policy(),
        sessions,
        site,
        figures: FigureCache::new(CACHED_MAX),
        findings: FindingsCache::new(CACHED_MAX),
        pictures: Pictures::new(),
        workbooks: Semaphore::new(1),
    }));
    PAGES
        .iter()
        .fold(Router::new(), |router, path| router.route(path, get(page)))
        .route("/enti/{code}", get(ente))
        .route("/{*path}", any(missing))
        .route_layer(from_fn_with_state(pages.clone(), admitted))
        .route("/assets/{version}/{*path}", get(asset))
        .route("/pages/answers", get(answers::answers))
        .route("/pages/events", get(events::events))
        .route("/pages/logo", get(logo))
        .route("/pages/workbook", post(workbook))
        .route(
            "/pages/session",
            post(session::sign_in).delete(session::sign_out),
        )
        .route("/figure.js", get(embed::element))
        .route("/embed/{code}/{form}", get(embed::figures))
        .route("/robots.txt", get(robots))
        .route("/favicon.ico", get(icon))
        .with_state(pages)
}

impl Pages {
    pub fn api(&self) -> &Api {
        &self.0.api
    }

    pub fn site(&self) -> &Site {
        &self.0.site
    }

    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Returns what a browser may ask for: without a key tables, as the names of their dimensions,
    /// of closed years and months; more with a session.
    fn public(&self, headers: &HeaderMap) -> String {
        let measures = [PublicMeasure::Uses, PublicMeasure::Accesses].into_iter();
        let tables = measures.flat_map(PublicMeasure::tables);
        let tables = tables.map(|table| Vec::from_iter(table.iter().map(|one| one.name())));
        let has_session = matches!(session::current(self, headers), Ok(Some(_)));
        json!({
            "tables": Vec::from_iter(tables),
            "closed": self.closed(),
            "session": has_session,
        })
        .to_string()
    }

    /// Returns the periods with public figures: years, and months of other years.
    pub fn closed(&self) -> Vec<PublicPeriod> {
        if !self.api().is_public() {
            return Vec::new();
        }
        let editions = self.api().editions();
        let years = editions.years().unwrap_or_default().into_iter();
        let months = editions.months().unwrap_or_default();
        let closed = years.map(ClosedPeriod::from).chain(months);
        let closed = closed.filter_map(|period| {
            Some(PublicPeriod {
                year: period.year,
                month: period.month,
                closed_at: editions.of(period).ok()?.closed_at,
            })
        });
        closed.collect()
    }

    /// Answers with a page.
    fn page(&self, headers: &HeaderMap, text: &PageText) -> Response {
        let markup = self.0.frames.page(text, &self.public(headers));
        let mut response = written(headers, "text/html; charset=utf-8", markup.into_bytes());
        self.decorate(response.headers_mut(), text.language);
        response
    }

    /// Adds the headers of a page in this language.
    pub fn decorate(&self, headers: &mut HeaderMap, language: Language) {
        headers.insert(CONTENT_SECURITY_POLICY, self.0.policy.clone());
        for (name, value) in [
            (REFERRER_POLICY, "no-referrer"),
            (CONTENT_LANGUAGE, language.as_str()),
            (VARY, "Accept-Language, Accept-Encoding, Cookie"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Takes one request from the rate limit of the reader's address.
async fn admitted(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match pages.api().admit_address(peer, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn page(State(pages): State<Pages>, uri: Uri, headers: HeaderMap) -> Response {
    let view = frame::view(uri.path());
    let request = PageRequest::new(&pages, &uri, &headers);
    let text = request.text(view);
    let mut figures = None;
    for code in request.parameter("ente").into_iter().chain([embed::ALL]) {
        if figures.is_none() && !WITHOUT_PERIOD.contains(&view) {
            figures = request.figures(code).await;
        }
    }
    let text = match (figures, view) {
        (Some(figures), "overview") => text.with_figures(&figures),
        (Some(figures), _) => text.with_preview(&figures),
        (None, _) => text,
    };
    pages.page(&headers, &text)
}

async fn ente(
    State(pages): State<Pages>,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(code)) = code else {
        return missing(State(pages), uri, headers).await;
    };
    let request = PageRequest::new(&pages, &uri, &headers);
    let snapshot = match pages.api().snapshot().await {
        Ok(snapshot) => snapshot,
        Err(problem) => return unavailable(&request, &headers, problem),
    };
    // Readers learn the names of enti whose figures they may read, and of no others.
    let key = session::current(&pages, &headers).unwrap_or_default();
    let ente = snapshot.register.ente(&code).filter(|ente| {
        pages.api().is_public() || key.is_some_and(|key| key.enti.covers(ente.code()))
    });
    let Some(ente) = ente else {
        return missing(State(pages), uri, headers).await;
    };
    let text = PageText {
        path: format!("/enti/{}", ente.code()),
        ..request.titled(ente.name().to_owned())
    };
    let text = match request.figures(ente.code()).await {
        Some(figures) => text.with_figures(&figures),
        None => text,
    };
    pages.page(&headers, &text)
}

/// Answers while the figures are missing: for a browser with a page that tries again.
fn unavailable(request: &PageRequest<'_>, headers: &HeaderMap, problem: Problem) -> Response {
    let mut response = problem.into_response();
    if !takes_html(headers) {
        return response;
    }
    let text = request.text("overview");
    let (heading, failed) = (
        escaped(&text.title),
        escaped(&request.language.say("web-failed", &[])),
    );
    let text = PageText {
        first: format!("<h1>{heading}</h1><p class=\"message\">{failed}</p>"),
        ..text
    };
    let mut page = request.refusal(response.status(), headers, &text);
    let wait = response.headers_mut().remove(RETRY_AFTER);
    if let Some(wait) = wait {
        page.headers_mut().insert(RETRY_AFTER, wait);
    }
    page
}

fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|kinds| kinds.to_str().ok());
    accepted.is_some_and(|kinds| kinds.contains("text/html"))
}

/// Answers with the logo of the publisher. A browser that opens it alone runs and loads nothing.
async fn logo(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    let Some(logo) = &pages.site().logo else {
        return Problem::not_found("the publisher has no logo").into_response();
    };
    let mut response = written(&headers, logo.media_type, logo.bytes.to_vec());
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// Writes a table that a page shows as a workbook.
async fn workbook(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    table: Result<Json<SheetTable>, JsonRejection>,
) -> Result<Response, Problem> {
    pages.api().admit_address(peer, &headers)?;
    let Json(table) =
        table.map_err(|refused| Problem::parameter("table", refused.body_text(), &[]))?;
    // The semaphore is never closed.
    let _place = pages.0.workbooks.acquire().await;
    let book = spawn_blocking(move || table.to_xlsx()).await;
    let book = book.map_err(|_| Problem::internal())?;
    let book = book.map_err(|error| Problem::parameter("table", error.to_string(), &[]))?;
    Ok(([(CONTENT_TYPE, XLSX)], book).into_response())
}

/// Answers to an address without a page: for a browser as a page, unless it is one of the API.
async fn missing(State(pages): State<Pages>, uri: Uri, headers: HeaderMap) -> Response {
    if !takes_html(&headers) || uri.path().starts_with("/v1/") {
        return Problem::not_found("see /openapi.json for the resources").into_response();
    }
    let request = PageRequest::new(&pages, &uri, &headers);
    let language = request.language;
    let [title, text, overview, enti] = [
        "web-no-page",
        "web-no-page.text",
        "page-overview",
        "page-enti",
    ]
    .map(|id| language.say(id, &[]));
    let [heading, text, overview, enti] =
        [&title, &text, &overview, &enti].map(|text| escaped(text));
    let first = format!(
        "<h1>{heading}</h1><div class=\"message\" data-missing><p>{text}</p>\
         <ul><li><a href=\"/?lang={language}\">{overview}</a></li>\
         <li><a href=\"/enti?lang={language}\">{enti}</a></li></ul></div>"
    );
    let text = PageText {
        title,
        path: "/".to_owned(),
        first,
        ..request.text("overview")
    };
    request.refusal(StatusCode::NOT_FOUND, &headers, &text)
}

/// Lets robots read the pages, the badges and the pictures for previews, and keeps them from the API.
async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /v1/\nDisallow: /embed/\nAllow: /embed/*/badge.svg\nAllow: /embed/*/picture.png\n"
}

/// Answers browsers that ask for the icon at its old address.
async fn icon(headers: HeaderMap) -> Response {
    let version = ASSETS.version.clone();
    asset(Path((version, "icon.svg".to_owned())), headers).await
}

/// Answers with a file. A page of another version gets the present file, and may not keep it.
async fn asset(Path((version, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.find(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let caching = match version == ASSETS.version {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let common = [
        (CONTENT_TYPE, asset.media_type),
        (CACHE_CONTROL, caching),
        (VARY, "Accept-Encoding"),
    ];
    match &asset.gzip {
        Some(gzip) if takes_gzip(&headers) => {
            (common, [(CONTENT_ENCODING, "gzip")], gzip.clone()).into_response()
        }
        _ => (common, asset.bytes.clone()).into_response(),
    }
}

/// Answers with a body, compressed if the client accepts it, or with 304 if it has the body.
pub(crate) fn written(headers: &HeaderMap, media_type: &'static str, body: Vec<u8>) -> Response {
    let body = Bytes::from(body);
    let mut response = tagged(headers, media_type, body.clone());
    if response.status() == StatusCode::OK
        && takes_gzip(headers)
        && let Some(gzip) = gzip(&body, Compression::fast())
    {
        *response.body_mut() = gzip.into();
        let encoding = HeaderValue::from_static("gzip");
        response.headers_mut().insert(CONTENT_ENCODING, encoding);
    }
    response
}

/// Answers with a body as it is, or with 304 if the client has it.
fn tagged(headers: &HeaderMap, media_type: &'static str, body: Bytes) -> Response {
    let tag = format!("W/\"{:016x}\"", xxh3_64(&body));
    let common = [(ETAG, &*tag), (CACHE_CONTROL, "no-cache")];
    match is_known(headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, common).into_response(),
        false => (common, [(CONTENT_TYPE, media_type)], body).into_response(),
    }
}
