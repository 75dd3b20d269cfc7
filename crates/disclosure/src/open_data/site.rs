//! Serves the open data of every closed year and month over HTTP: the catalogue at `/open-data`, its files
//! below.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::edition::{ClosedPeriod, Editions, NoEdition, PublicYear};
use affluenza_http::{Peer, Problem, RateLimit, client_address};
use affluenza_register::Register;
use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::{Mutex, watch};

use crate::open_data::edition::sha256;
use crate::open_data::{CATALOGUE, Edition, Incomplete, Published, Publisher};

/// Pause between two checks for changed years.
const LOOK: Duration = Duration::from_secs(10);
/// Time for `Retry-After` after an error.
const RETRY: Duration = Duration::from_secs(5);

/// Settings and inputs of the open data.
pub struct Source {
    /// Public editions.
    pub editions: Arc<Editions>,
    /// Register for names of enti, categories and services.
    pub register: watch::Receiver<Arc<Register>>,
    /// Publisher, or the settings that are missing.
    pub publisher: Result<Publisher, Incomplete>,
    /// Limit of an address: requests a second in the long run, and requests at once.
    pub requests: (u32, u32),
    /// Proxies whose forwarded client address is trusted.
    pub trusted_proxies: Vec<ipnet::IpNet>,
}

struct Site {
    source: Source,
    limit: RateLimit<IpAddr>,
    shelf: Mutex<FileCache>,
}

/// Cached files.
#[derive(Default)]
struct FileCache {
    looked: Option<Instant>,
    /// Public tables of each year or month, and the day when it was closed.
    periods: BTreeMap<ClosedPeriod, (Arc<PublicYear>, Date)>,
    register: String,
    files: Arc<BTreeMap<String, CachedFile>>,
}

#[derive(Clone)]
struct CachedFile {
    bytes: bytes::Bytes,
    etag: String,
}

/// Routes of `/open-data` and `/open-data/{file}`.
pub fn routes<S: Clone + Send + Sync + 'static>(source: Source) -> Router<S> {
    let (per_second, burst) = source.requests;
    let site = Arc::new(Site {
        source,
        limit: RateLimit::new(per_second, burst),
        shelf: Mutex::default(),
    });
    Router::new()
        .route("/open-data", get(catalogue))
        .route("/open-data/{file}", get(file))
        .with_state(site)
}

async fn catalogue(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    site.answer(CATALOGUE, &peer, &headers).await
}

async fn file(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    site.answer(&name, &peer, &headers).await
}

impl Site {
    async fn answer(&self, name: &str, peer: &Peer, headers: &HeaderMap) -> Response {
        let address = client_address(peer.0.ip(), headers, &self.source.trusted_proxies);
        match self.limit.take_address(address) {
            Ok(allowance) => allowance.limit(self.find(name, headers).await),
            Err(problem) => problem.into_response(),
        }
    }

    async fn find(&self, name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
        let files = self.files().await?;
        let Some(file) = files.get(name) else {
            let names: Vec<&String> = files.keys().collect();
            return Err(Problem::not_found("there is no such file").with("files", names));
        };
        let known = headers.get_all(IF_NONE_MATCH).iter();
        let is_known = known
            .filter_map(|tags| tags.to_str().ok())
            .flat_map(|tags| tags.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/") == file.etag);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            file.bytes.clone().into_response()
        };
        let added = response.headers_mut();
        let kind = if name == CATALOGUE {
            "application/ld+json"
        } else {
            "text/csv; charset=utf-8; header=present"
        };
        added.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        added.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
        if let Ok(etag) = HeaderValue::try_from(&file.etag) {
            added.insert(ETAG, etag);
        }
        Ok(response)
    }

    /// Returns every file; builds them again if a period or the register has changed.
    async fn files(&self) -> Result<Arc<BTreeMap<String, CachedFile>>, Problem> {
        let publisher = self.source.publisher.as_ref().map_err(|incomplete| {
            Problem::not_found(format!("nothing is published here: {incomplete}"))
        })?;
        let mut shelf = self.shelf.lock().await;
        if shelf.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(shelf.files.clone());
        }
        let register = self.source.register.borrow().clone();
        let periods = self.periods().map_err(unavailable)?;
        let is_same = periods.len() == shelf.periods.len()
            && periods.iter().zip(&shelf.periods).all(|(new, old)| {
                new.0 == old.0 && Arc::ptr_eq(&new.1.0, &old.1.0) && new.1.1 == old.1.1
            });
        if !is_same || shelf.register != register.version() {
            let published: Vec<Published<'_>> = periods
                .values()
                .map(|(public, modified)| Published {
                    public,
                    modified: *modified,
                })
                .collect();
            let edition = Edition::build(&published, &register, publisher);
            shelf.files = Arc::new(edition.files.into_iter().map(shelved).collect());
            shelf.periods = periods;
            shelf.register = register.version().to_owned();
        }
        shelf.looked = Some(Instant::now());
        Ok(shelf.files.clone())
    }

    fn periods(&self) -> Result<BTreeMap<ClosedPeriod, (Arc<PublicYear>, Date)>, NoEdition> {
        let editions = &self.source.editions;
        let years = editions.years()?.into_iter().map(ClosedPeriod::from);
        let mut periods = BTreeMap::new();
        for period in years.chain(editions.months()?) {
            let found = editions.of(period)?;
            let closed_at = found.closed_at.parse::<Timestamp>();
            let modified = local_date(closed_at.unwrap_or(Timestamp::UNIX_EPOCH));
            periods.insert(period, (found.public, modified));
        }
        Ok(periods)
    }
}

fn local_date(at: Timestamp) -> Date {
    at.in_tz("Europe/Rome")
        .expect("the zones come with the program")
        .date()
}

fn shelved(file: crate::open_data::File) -> (String, CachedFile) {
    let etag = format!("\"{}\"", &sha256(&file.bytes)[..16]);
    let bytes = file.bytes.into();
    (file.name, CachedFile { bytes, etag })
}

fn unavailable(cause: NoEdition) -> Problem {
    let detail = match &cause {
        NoEdition::Broken(_) => "closed periods are not shown until they have been verified".into(),
        other => other.to_string(),
    };
    tracing::warn!(error = %cause, "open data were not made");
    Problem::unavailable(detail, RETRY)
}
