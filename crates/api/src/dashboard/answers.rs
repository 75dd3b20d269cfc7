//! Several answers of the API in one response, so that a page needs one request for its figures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use affluenza_http::keys::Key;
use affluenza_http::{Peer, Problem, presented_key};
use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Extension, Query, State};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, IF_NONE_MATCH, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use strum::VariantArray as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::findings::FindingsAsked;
use super::{Pages, language, session};
use crate::preview;
use crate::question::Resource;

/// Largest number of questions of a request.
const QUESTIONS_MAX: usize = 40;
/// Number of questions of a request that are asked at once.
const QUESTIONS_AT_ONCE: usize = 4;
/// Time for all questions of a request. Those without an answer by then are answered with 503, and do
/// not delay the others.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// Largest size of an answer, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Answers to questions such as `ask=enti?period=2017`, in their order. Each has its status.
///
/// Besides the resources these are `preview`, and two for the pages only: `findings`, and the `closed`
/// periods.
pub(crate) async fn answers(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = pairs.iter().filter(|(name, _)| name == "ask");
    let asked: Vec<&str> = asked.map(|(_, question)| &**question).collect();
    if asked.is_empty() || asked.len() > QUESTIONS_MAX {
        let detail = format!("ask 1 to {QUESTIONS_MAX} questions");
        return Err(Problem::parameter("ask", detail, &[]));
    }
    let mut inner = headers.clone();
    for name in [ACCEPT_ENCODING, IF_NONE_MATCH] {
        inner.remove(name);
    }
    // A key of the request counts more than its session.
    let session = match presented_key(&headers)? {
        Some(_) => None,
        None => match session::current(&pages, &headers) {
            Ok(session) => session,
            Err(refused) => return Ok(session::ended(&pages, &headers, refused)),
        },
    };
    let is_public = session.is_none() && presented_key(&headers)?.is_none();
    let client = Client {
        pages: pages.clone(),
        peer,
        headers: inner,
        session,
    };
    let parts = client.parts(&asked).await?;
    let body = format!("[{}]", parts.join(","));
    let mut response = super::written(&headers, "application/json", body.into_bytes());
    let vary = HeaderValue::from_static("Accept-Encoding, Authorization, X-API-Key, Cookie");
    response.headers_mut().insert(VARY, vary);
    if !is_public {
        let own = HeaderValue::from_static("private, no-cache");
        response.headers_mut().insert(CACHE_CONTROL, own);
    }
    Ok(response)
}

/// A client who asks several questions.
struct Client {
    pages: Pages,
    peer: Peer,
    headers: HeaderMap,
    /// Key of the session.
    session: Option<Arc<Key>>,
}

impl Client {
    /// Asks some questions at once, and returns the answers in the order of the questions.
    async fn parts(self, asked: &[&str]) -> Result<Vec<String>, Problem> {
        let deadline = Instant::now() + ANSWERED_WITHIN;
        let client = Arc::new(self);
        let places = Arc::new(Semaphore::new(QUESTIONS_AT_ONCE));
        // The questions end with the request.
        let mut asking = JoinSet::new();
        for (place, question) in asked.iter().enumerate() {
            let (client, places, question) = (client.clone(), places.clone(), question.to_string());
            asking.spawn(async move {
                let part = async {
                    // The semaphore is never closed.
                    let _place = places.acquire().await;
                    client.part(&question).await
                };
                let part = match timeout_at(deadline, part).await {
                    Ok(part) => part,
                    Err(_) => late().await,
                };
                part.map(|part| (place, part))
            });
        }
        let mut parts = BTreeMap::new();
        while let Some(part) = asking.join_next().await {
            let (place, part) = part.map_err(|_| Problem::internal())??;
            parts.insert(place, part);
        }
        Ok(parts.into_values().collect())
    }

    /// Returns the answer to a question with its status, as JSON.
    async fn part(&self, question: &str) -> Result<String, Problem> {
        let answer = self.ask(question).await;
        written(answer.unwrap_or_else(IntoResponse::into_response)).await
    }

    async fn ask(&self, question: &str) -> Result<Response, Problem> {
        let unknown = || Problem::parameter("ask", "there is no such resource", &[]);
        let uri: Uri = format!("/{question}").parse().map_err(|_| unknown())?;
        let mut known = Resource::VARIANTS.iter().copied();
        let resource = known.find(|known| known.path() == &uri.path()[1..]);
        let pairs: Result<Query<Vec<(String, String)>>, _> = Query::try_from_uri(&uri);
        let api = self.pages.api();
        let client = match &self.session {
            Some(key) => api.admit_key(self.peer, &self.headers, key.clone())?,
            None => api.admit(self.peer, &self.headers)?,
        };
        if uri.path() == "/preview" {
            return preview::answer(api, client.key.as_deref(), pairs).await;
        }
        if uri.path() == "/closed" {
            return Ok(Json(self.pages.closed()).into_response());
        }
        if uri.path() == "/findings" {
            let Query(pairs) = pairs.map_err(|_| unknown())?;
            let language = language::chosen(uri.query(), &self.headers);
            let asked = FindingsAsked::parse(&pairs, language).ok_or_else(unknown)?;
            let found = match &client.key {
                Some(key) => asked.of_key(&self.pages, key).await,
                None => asked.of_everybody(&self.pages).await?,
            };
            return Ok(Json(found).into_response());
        }
        let resource = resource.ok_or_else(unknown)?;
        api.answer(resource, &client, &self.headers, pairs).await
    }
}

/// Returns the answer to a question that took too long.
async fn late() -> Result<String, Problem> {
    let detail = "the question took too long";
    written(Problem::unavailable(detail, ANSWERED_WITHIN).into_response()).await
}

/// Returns an answer with its status, as JSON.
async fn written(answer: Response) -> Result<String, Problem> {
    let status = answer.status().as_u16();
    let wait = answer.headers().get(RETRY_AFTER).cloned();
    let wait = wait.and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
    let body = to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await;
    let body = body.map_err(|_| Problem::internal())?;
    let body: &RawValue = serde_json::from_slice(&body).map_err(|_| Problem::internal())?;
    let wait = serde_json::Value::from(wait);
    Ok(format!(
        "{{\"status\":{status},\"retry_after\":{wait},\"body\":{}}}",
        body.get()
    ))
}
