//! The last events of the log, for the page of live events. The program that mounts the pages reads
//! the log.

use std::sync::Arc;
use std::time::Duration;

use affluenza_http::keys::Key;
use affluenza_http::{Peer, Problem, presented_key};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::{Pages, session, written};

/// Largest number of events in an answer.
const SHOWN_MAX: usize = 100;
/// Time for `Retry-After` while the log cannot be read.
const RETRY: Duration = Duration::from_secs(5);

/// Fate of a record of the log, as the consumer decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventFate {
    /// Stored as a fact.
    Accepted,
    /// Not stored, because an event with the same source and id was.
    Duplicate,
    /// Set aside as a dead letter.
    Refused,
    /// A client report.
    Report,
}

/// A record of the log with its fate. Its texts hold no personal data.
#[derive(Debug, Clone, Serialize)]
pub struct ShownEvent {
    /// Time of the record in the log.
    pub written: String,
    /// Fate of the record.
    pub fate: EventFate,
    /// Reason of a refusal.
    pub reason: &'static str,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Source of the event.
    pub source: String,
    /// Id of the event within its source.
    pub id: String,
    /// Code of the ente in the register, or the text of the event if the register has no such ente.
    pub ente: String,
    /// Code of the portal.
    pub portal: String,
    /// Code of the service.
    pub service: String,
    /// Fault of a refused event, or warnings about an accepted one.
    pub detail: String,
    /// Partition and offset of the record.
    pub position: String,
}

/// The last events of the log, the newest first.
pub type LastEvents = Arc<[ShownEvent]>;

/// Place for the answer to one question: the events, or the reason why the log cannot be read.
pub type LastEventsReply = oneshot::Sender<Result<LastEvents, String>>;

/// Sends questions for the last events to the task that reads the log.
pub type EventFeed = mpsc::Sender<LastEventsReply>;

/// Choice of the events of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EventFilter {
    /// Beginning of the source.
    source: String,
    /// Registered code of the ente; empty for all.
    ente: String,
}

impl EventFilter {
    /// Selects the newest events of this choice that a key may read.
    fn select<'e>(&self, all: &'e [ShownEvent], key: &Key) -> Vec<&'e ShownEvent> {
        let chosen = all.iter().filter(|event| {
            key.enti.covers(&event.ente)
                && event.source.starts_with(&self.source)
                && (self.ente.is_empty() || event.ente == self.ente)
        });
        chosen.take(SHOWN_MAX).collect()
    }
}

/// Handles `GET /pages/events`: the last events of the enti of the key, the newest first.
pub(crate) async fn events(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    filter: Result<Query<EventFilter>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(filter) =
        filter.map_err(|refused| Problem::parameter("query", refused.body_text(), &[]))?;
    let key = key(&pages, peer, &headers)?;
    let all = ask(&pages).await?;
    let body = serde_json::to_vec(&filter.select(&all, &key)).map_err(|_| Problem::internal())?;
    let mut response = written(&headers, "application/json", body);
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (VARY, "Accept-Encoding, Authorization, X-API-Key, Cookie"),
    ] {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Returns the key of the request, or that of its session.
fn key(pages: &Pages, peer: Peer, headers: &HeaderMap) -> Result<Arc<Key>, Problem> {
    let api = pages.api();
    let ended = |refused| Problem::unauthorized(format!("the session has ended: {refused}"));
    let session = match presented_key(headers)? {
        Some(_) => None,
        None => session::current(pages, headers).map_err(ended)?,
    };
    let admitted = match session {
        Some(key) => api.admit_key(peer, headers, key)?,
        None => api.admit(peer, headers)?,
    };
    let key = admitted.into_key();
    key.ok_or_else(|| {
        Problem::unauthorized("the last events need a reader's key: sign in with one")
    })
}

async fn ask(pages: &Pages) -> Result<LastEvents, Problem> {
    let unavailable = |cause: String| Problem::unavailable(cause, RETRY);
    let feed = pages.site().events.as_ref().ok_or_else(|| {
        unavailable(
            "this server is not connected to Kafka: set `kafka.bootstrap_servers`".to_owned(),
        )
    })?;
    let (reply, answer) = oneshot::channel();
    let ended = || unavailable("the log is not being read: this server ends".to_owned());
    feed.send(reply).await.map_err(|_| ended())?;
    answer.await.map_err(|_| ended())?.map_err(unavailable)
}

#[cfg(test)]
mod tests {
    use affluenza_http::keys::Scope;

    use super::*;

    fn event(ente: &str, source: &str) -> ShownEvent {
        ShownEvent {
            written: "2026-11-30T10:00:00.000Z".to_owned(),
            fate: EventFate::Accepted,
            reason: "",
            event_type: "it.affluenza.access.v1".to_owned(),
            source: source.to_owned(),
            id: "1".to_owned(),
            ente: ente.to_owned(),
            portal: "p".to_owned(),
            service: String::new(),
            detail: String::new(),
            position: "0/0".to_owned(),
        }
    }

    fn key(enti: Scope) -> Key {
        serde_json::from_value(serde_json::json!({
            "id": "00000000", "name": "k", "role": "reader", "enti": enti,
            "created": "2026-01-01T00:00:00Z", "hash": "",
        }))
        .expect("a key")
    }

    #[test]
    fn a_key_reads_the_events_of_its_enti_and_the_newest_of_them() {
        let mut all = vec![
            event("c_a", "https://a"),
            event("c_b", "https://b"),
            event("Firense", "https://a"),
        ];
        let filter = EventFilter::default();
        assert_eq!(filter.select(&all, &key(Scope::All)).len(), 3);
        let own = key(Scope::of(["c_a"]));
        let found = filter.select(&all, &own);
        assert_eq!(Vec::from_iter(found.iter().map(|it| &*it.ente)), ["c_a"]);
        let of_b = EventFilter {
            ente: "c_b".to_owned(),
            source: "https://".to_owned(),
        };
        assert_eq!(of_b.select(&all, &own).len(), 0);
        assert_eq!(of_b.select(&all, &key(Scope::All)).len(), 1);
        all.extend((0..200).map(|_| event("c_a", "https://a")));
        assert_eq!(filter.select(&all, &own).len(), SHOWN_MAX);
    }
}
