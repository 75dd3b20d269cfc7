//! The routes, and the steps of each request: key, limits, question, ETag, cache.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use affluenza_classify::hours::date_since_1970;
use affluenza_disclosure::edition::Editions;
use affluenza_http::keys::{Key, KeyRing, Role};
use affluenza_http::telemetry::{CancellationToken, Metrics};
use affluenza_http::{
    Allowance, ConcurrencyLimit, Peer, Problem, RateLimit, authenticate, client_address,
};
use affluenza_register::Register;
use affluenza_store::usage::Dimension;
use affluenza_store::{Store, StoreError};
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, extract::rejection::QueryRejection};
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use prometheus_client::metrics::counter::Counter;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use strum::VariantArray as _;
use tokio::sync::{Semaphore, watch};

use crate::answer::NAMED_MAX;
use crate::asked::Asked;
use crate::basis::{Basis, EventCounts};
use crate::codes::UsedCodes;
use crate::compose::{Composer, Viewer};
use crate::page::Contract;
use crate::period::Period;
use crate::preview::{PreviewFeed, preview};
use crate::problems::in_language;
use crate::question::{Question, Resource};
use crate::recent::{AnswerState, KeyedQuestion, RecentAnswers};
use crate::reply::{CacheKey, Rendered, common_headers, etag, format, is_known, render, written};
use crate::source::NoFigures;
use crate::state::{Current, Snapshot};
use crate::years::years;
use crate::{Config, codes, open, page};

/// Longest wait of a question for a free place.
const PATIENCE: Duration = Duration::from_secs(15);
/// Time for `Retry-After` after a database error.
const RETRY: Duration = Duration::from_secs(2);
/// Expected number of cached answers. The limit of the cache is its size in bytes.
const ANSWERS_EXPECTED: usize = 2_000;
/// Overhead of a cache entry, in bytes.
const ENTRY_BYTES: u64 = 512;

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<CacheKey, Arc<Rendered>> for ByBytes {
    fn weight(&self, _: &CacheKey, rendered: &Arc<Rendered>) -> u64 {
        let gzip = rendered.gzip.as_ref().map_or(0, Bytes::len);
        (rendered.body.len() + gzip) as u64 + ENTRY_BYTES
    }
}

/// The aggregate API.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    config: Config,
    store: Store,
    editions: Arc<Editions>,
    previews: PreviewFeed,
    current: Current,
    contract: Contract,
    ring: KeyRing,
    by_key: RateLimit<String>,
    by_address: RateLimit<IpAddr>,
    places: ConcurrencyLimit<String>,
    questions: Semaphore,
    answers: Cache<CacheKey, Arc<Rendered>, ByBytes>,
    events: EventCounts,
    recent: RecentAnswers,
    used: UsedCodes,
    unchanged: Counter,
    asked: Counter,
}

/// A client whose request was admitted.
pub(crate) struct Admitted {
    pub key: Option<Arc<Key>>,
    address: IpAddr,
    /// State of the client's rate limit.
    pub allowance: Allowance,
}

impl Admitted {
    /// Identifies the client among others: by its key, or its address.
    fn name(&self) -> String {
        match &self.key {
            Some(key) => key.id.clone(),
            None => self.address.to_string(),
        }
    }

    /// Returns the key of the client; `None` for one without a key.
    pub fn into_key(self) -> Option<Arc<Key>> {
        self.key
    }
}

/// Where answers come from, and who may ask.
pub struct ApiSources {
    /// Figures of the events.
    pub store: Store,
    /// Figures for those who have no key.
    pub editions: Arc<Editions>,
    /// Keys of the others.
    pub ring: KeyRing,
    /// Newest register.
    pub register: watch::Receiver<Arc<Register>>,
    /// Computes previews of public editions.
    pub previews: PreviewFeed,
}

impl Api {
    /// Loads the first snapshot, and follows changes until `stop` is signalled.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn start(
        config: Config,
        sources: ApiSources,
        metrics: &Metrics,
        stop: CancellationToken,
    ) -> Result<Self, StoreError> {
        let ApiSources {
            store,
            editions,
            ring,
            register,
            previews,
        } = sources;
        let known = register.borrow().clone();
        let current = Current::load(&store, known).await?;
        let (unchanged, asked) = (Counter::default(), Counter::default());
        let api = Self(Arc::new(Inner {
            current,
            contract: Contract::new(config.url.trim_end_matches('/')),
            ring,
            by_key: RateLimit::new(config.key_requests_per_second, config.key_requests_burst),
            by_address: RateLimit::new(
                config.address_requests_per_second,
                config.address_requests_burst,
            ),
            places: ConcurrencyLimit::new(config.key_questions_max),
            questions: Semaphore::new(config.questions_max),
            events: EventCounts::default(),
            recent: RecentAnswers::default(),
            used: UsedCodes::default(),
            answers: Cache::with_weighter(ANSWERS_EXPECTED, config.cache_bytes_max, ByBytes),
            unchanged: metrics.register("api_unchanged", "Requests answered with 304", unchanged),
            asked: metrics.register(
                "api_questions",
                "Questions that the database was asked",
                asked,
            ),
            config,
            store,
            editions,
            previews,
        }));
        let follower = api.clone();
        tokio::spawn(async move {
            let inner = &follower.0;
            let pause = Duration::from_millis(inner.config.look_ms);
            let store = inner.store.clone();
            inner.current.follow(store, register, pause, stop).await;
        });
        Ok(api)
    }

    /// Returns the routes of `/v1`, `/openapi.json`, `/docs` and `/problems`.
    pub fn routes(&self) -> Router {
        let mut router = Router::new();
        for &resource in Resource::VARIANTS {
            let route = get(
                move |State(api): State<Self>,
                      Extension(peer),
                      headers: HeaderMap,
                      uri: Uri,
                      pairs| async move {
                    let said = |problem| in_language(problem, uri.query(), &headers);
                    match api.admit(peer, &headers) {
                        Ok(client) => {
                            let answer = api.answer(resource, &client, &headers, pairs).await;
                            client.allowance.limit(answer.map_err(said))
                        }
                        Err(problem) => said(problem).into_response(),
                    }
                },
            );
            router = router.route(&format!("/v1/{}", resource.path()), route);
        }
        let router = router
            .route("/v1/years", get(years))
            .route("/v1/preview", get(preview));
        router.merge(page::routes()).with_state(self.clone())
    }

    /// Identifies the client and takes one request from its rate limit, or refuses the request.
    pub(crate) fn admit(&self, peer: Peer, headers: &HeaderMap) -> Result<Admitted, Problem> {
        let inner = &*self.0;
        let address = inner.address(peer, headers);
        // Invalid keys count against the address, so guessing keys is slowed down.
        let refuse = |refused| match inner.by_address.take_address(address) {
            Ok(allowance) => allowance.note(refused),
            Err(too_many) => too_many,
        };
        let key = authenticate(&inner.ring, headers).map_err(refuse)?;
        let allowance = match &key {
            Some(key) => inner.take(key)?,
            None if inner.config.public => inner.by_address.take_address(address)?,
            None => {
                let text = "send a key in the header `Authorization: Bearer KEY`";
                return Err(refuse(Problem::unauthorized(text)));
            }
        };
        inner.current.wake();
        Ok(Admitted {
            key,
            address,
            allowance,
        })
    }

    /// Takes one request from the rate limit of an address, for a page: it needs no key.
    pub(crate) fn admit_address(&self, peer: Peer, headers: &HeaderMap) -> Result<(), Problem> {
        let inner = &*self.0;
        let address = inner.address(peer, headers);
        inner.by_address.take_address(address).map(drop)
    }

    /// Takes one request from the rate limit of the key of a session, or refuses the request.
    pub(crate) fn admit_key(
        &self,
        peer: Peer,
        headers: &HeaderMap,
        key: Arc<Key>,
    ) -> Result<Admitted, Problem> {
        let inner = &*self.0;
        let allowance = inner.take(&key)?;
        inner.current.wake();
        Ok(Admitted {
            key: Some(key),
            address: inner.address(peer, headers),
            allowance,
        })
    }

    pub(crate) fn contract(&self) -> &Contract {
        &self.0.contract
    }

    pub(crate) fn editions(&self) -> &Editions {
        &self.0.editions
    }

    pub(crate) fn previews(&self) -> &PreviewFeed {
        &self.0.previews
    }

    pub(crate) fn newest_public(&self) -> Option<Period> {
        self.0.newest_public()
    }

    pub(crate) fn ring(&self) -> &KeyRing {
        &self.0.ring
    }

    /// True if clients without a key are served.
    pub(crate) fn is_public(&self) -> bool {
        self.0.config.public
    }

    /// Returns the current snapshot.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>, Problem> {
        let snapshot = self.0.current.get().await;
        snapshot.map_err(|cause| Problem::unavailable(cause, RETRY))
    }

    /// Returns the number of seals of closed years, as it changes.
    pub fn seals(&self) -> watch::Receiver<u64> {
        self.0.current.seals()
    }

    /// Succeeds if there are figures, or returns the reason why not.
    pub fn check(&self) -> Result<(), String> {
        self.0.current.check()
    }

    /// Answers a question.
    pub(crate) async fn answer(
        &self,
        resource: Resource,
        client: &Admitted,
        headers: &HeaderMap,
        pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
    ) -> Result<Response, Problem> {
        let inner = &*self.0;
        let Query(pairs) = pairs
            .map_err(|_| Problem::parameter("query", "the query string is not UTF-8 text", &[]))?;
        let mut question = Question::parse(resource, &pairs)?;
        let format = format(&pairs, headers)?;
        let snapshot = self.snapshot().await?;
        let scope = client.key.as_deref().and_then(|key| key.enti.codes());
        codes::resolve(&mut question, &snapshot.register, scope);
        let viewer = inner.viewer(client.key.as_deref(), &question, &snapshot.register)?;
        let period = inner.period(&question, &viewer, &snapshot);
        let question = Question {
            period: Some(period),
            ..question
        };
        let reached = reached(period, &viewer, &snapshot);
        let asked = Asked::new(&question, period, reached)?;
        let basis = match viewer {
            Viewer::Public => {
                open::check(&asked)?;
                Basis::of_public(&asked, &inner.editions, &snapshot)
            }
            Viewer::Key(_) => {
                let keyed = KeyedQuestion {
                    question: question.clone(),
                    viewer: viewer.clone(),
                    format,
                    reached,
                };
                let state = AnswerState::new(resource, &snapshot);
                match inner.recent.find(&keyed, state) {
                    Some(recent) => {
                        if recent.is_to_renew {
                            let api = self.clone();
                            tokio::spawn(api.renew(keyed, client.name(), snapshot.clone()));
                        }
                        recent.basis
                    }
                    None => {
                        let basis = inner.basis(&keyed, &asked, &snapshot).await?;
                        inner.recent.note(keyed, basis, state);
                        basis
                    }
                }
            }
        };
        let cached = CacheKey {
            question,
            viewer,
            format,
            basis,
        };
        // An unchanged answer needs no place in the queue.
        let etag = etag(&cached);
        let mut response = if is_known(headers, &etag) {
            inner.unchanged.inc();
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let asked = Asked::new(&cached.question, period, reached)?;
            let client = client.name();
            let rendered = inner.rendered(&asked, &cached, client, &snapshot).await?;
            written(&rendered, &cached, headers)
        };
        common_headers(response.headers_mut(), &etag, &cached.viewer);
        Ok(response)
    }

    /// Answers a question with the figures of the snapshot, for those who ask next.
    async fn renew(self, keyed: KeyedQuestion, client: String, snapshot: Arc<Snapshot>) {
        let renewed = self.0.renewed(keyed, client, &snapshot).await;
        if let Err(problem) = renewed {
            tracing::debug!(?problem, "an answer was not renewed");
        }
    }
}

impl Inner {
    /// Returns the question's period, or the newest year with figures. Without a key, it is the
    /// newest closed year, or the newest closed month if no year is closed.
    fn period(&self, question: &Question, viewer: &Viewer, snapshot: &Snapshot) -> Period {
        question
            .period
            .or_else(|| match viewer {
                Viewer::Public => self.newest_public(),
                Viewer::Key(_) => {
                    let day = snapshot.coverage.newest(viewer.scope())?;
                    Period::year(date_since_1970(i32::from(day)).year())
                }
            })
            .or_else(|| Period::year(date_since_1970(today()).year()))
            .unwrap_or_else(|| Period::parse("2017").expect("a year is a period"))
    }

    /// Returns the newest closed year, or the newest closed month if no year is closed.
    fn newest_public(&self) -> Option<Period> {
        match self.editions.years().ok()?.last() {
            Some(year) => Period::year(*year),
            None => {
                let month = self.editions.months().ok()?.pop()?;
                Period::parse(&month.to_string()).ok()
            }
        }
    }

    fn address(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        client_address(peer.0.ip(), headers, &self.config.http.trusted_proxies)
    }

    /// Takes one request from the rate limit of a key. A writer's is refused.
    fn take(&self, key: &Key) -> Result<Allowance, Problem> {
        let allowance = self.by_key.take(&key.id)?;
        if key.role == Role::Writer {
            let text = "this key is for sending events: ask with a reader's key";
            return Err(allowance.note(Problem::forbidden(text)));
        }
        Ok(allowance)
    }

    /// Returns the key's scope. A filter on an ente outside it is refused, not answered with zero
    /// rows. An unknown ente is named as such only if everybody may read the register.
    fn viewer(
        &self,
        key: Option<&Key>,
        question: &Question,
        register: &Register,
    ) -> Result<Viewer, Problem> {
        let Some(key) = key else {
            return Ok(Viewer::Public);
        };
        let scope = match key.role {
            Role::Admin => None,
            // `admit` refuses writers before.
            Role::Reader | Role::Writer => key.enti.codes(),
        };
        let asked = question.filters.get(&Dimension::Ente);
        if let (Some(scope), Some(asked)) = (scope, asked)
            && let Some(other) = asked.iter().find(|ente| !scope.contains(*ente))
        {
            if self.config.public && register.ente(other).is_none() {
                let own = Some(&*Vec::from_iter(scope.iter().cloned()));
                return Err(codes::unknown(register, Dimension::Ente, other, own));
            }
            return Err(Problem::forbidden("the key does not reach this ente")
                .with("parameter", "ente")
                .with("allowed", Vec::from_iter(scope.iter().take(NAMED_MAX))));
        }
        Ok(Viewer::Key(
            scope.map(|scope| scope.iter().cloned().collect()),
        ))
    }

    /// Reads the state of the data of an answer.
    async fn basis(
        &self,
        keyed: &KeyedQuestion,
        asked: &Asked<'_>,
        snapshot: &Snapshot,
    ) -> Result<Basis, Problem> {
        let usage = self.store.usage();
        let read = self.events.basis(asked, &keyed.viewer, snapshot, usage);
        read.await.map_err(|error| problem(error.into()))
    }

    async fn renewed(
        &self,
        keyed: KeyedQuestion,
        client: String,
        snapshot: &Arc<Snapshot>,
    ) -> Result<(), Problem> {
        let state = AnswerState::new(keyed.question.resource, snapshot);
        let question = keyed.question.clone();
        let period = self.period(&question, &keyed.viewer, snapshot);
        let asked = Asked::new(&question, period, keyed.reached)?;
        let cached = CacheKey {
            question: question.clone(),
            viewer: keyed.viewer.clone(),
            format: keyed.format,
            basis: self.basis(&keyed, &asked, snapshot).await?,
        };
        self.rendered(&asked, &cached, client, snapshot).await?;
        self.recent.note(keyed, cached.basis, state);
        Ok(())
    }

    /// Returns the answer from the cache, or builds it.
    async fn rendered(
        &self,
        asked: &Asked<'_>,
        cached: &CacheKey,
        client: String,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Arc<Rendered>, Problem> {
        let make = async {
            let _mine = self.places.take(&client, PATIENCE).await?;
            let waited = tokio::time::timeout(PATIENCE, self.questions.acquire()).await;
            let Ok(Ok(_place)) = waited else {
                return Err(Problem::unavailable("too many questions at once", RETRY));
            };
            self.asked.inc();
            let composer = Composer {
                usage: self.store.usage(),
                used: &self.used,
                snapshot,
                editions: &self.editions,
                viewer: &cached.viewer,
                mark: cached.basis.figures,
            };
            let answer = composer.answer(asked).await.map_err(problem)?;
            Ok(Arc::new(render(&answer, cached.format)?))
        };
        self.answers.get_or_insert_async(cached, make).await
    }
}

pub(crate) fn problem(cause: NoFigures) -> Problem {
    match cause {
        NoFigures::Question(problem) => problem,
        NoFigures::Store(error) => {
            tracing::warn!(%error, "a question was not answered");
            if error.is_transient() {
                Problem::unavailable("the database is busy or does not answer", RETRY)
            } else {
                Problem::internal()
            }
        }
    }
}

/// Returns the newest day with data of any ente, if the period is not over. Public periods are.
fn reached(period: Period, viewer: &Viewer, snapshot: &Snapshot) -> Option<Date> {
    let today = date_since_1970(today());
    if *viewer == Viewer::Public || period.last() < today {
        return None;
    }
    let newest = date_since_1970(snapshot.coverage.newest(None)?.into()).min(today);
    // A period that has just begun is compared from its first day on.
    let is_begun = newest >= period.first() || period.first() <= today.tomorrow().ok()?;
    is_begun.then(|| newest.clamp(period.first(), period.last()))
}

/// Days since 1970, in UTC.
fn today() -> i32 {
    i32::try_from(Timestamp::now().as_second() / 86_400).unwrap_or(i32::MAX)
}
