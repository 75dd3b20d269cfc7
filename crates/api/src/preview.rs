//! Preview of a public edition: the cells that would be hidden if a period was closed now. The program
//! that mounts the API computes it in the background.

use std::collections::BTreeMap;
use std::time::Duration;

use affluenza_disclosure::Count;
use affluenza_disclosure::edition::{ClosedPeriod, Dimension, PublicMeasure, PublicYear};
use affluenza_http::keys::{Key, Role};
use affluenza_http::{Peer, Problem};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use crate::Api;
use crate::open::needs_key;
use crate::period::Period;
use crate::problems::in_language;

/// Largest number of hidden cells in an answer.
const HIDDEN_MAX: usize = 1_000;
/// Time for `Retry-After` while a preview is computed, and after a failure.
const RETRY: Duration = Duration::from_secs(2);
const RETRY_FAILED: Duration = Duration::from_secs(60);

/// State of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PreviewState {
    /// The preview of another period is being computed.
    Waiting,
    /// The figures are being read.
    Reading,
    /// Small counts are being protected.
    Protecting,
    /// The edition is known.
    Ready,
    /// No protection was found, so that closing would publish nothing new.
    NoEdition,
}

/// Preview of the public edition of a year or a month that is not closed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PublicPreview {
    /// Year or month, as `2018` or `2018-03`.
    pub period: String,
    /// State of the computation.
    pub state: PreviewState,
    /// Time when the figures were read (RFC 3339); missing until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// The edition; missing unless it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<PreviewedEdition>,
}

/// Cells of a previewed edition. Counts are not part of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewedEdition {
    /// Counts below this are hidden.
    small_count: u64,
    /// True if users by hour would be shown.
    users_by_hour: bool,
    /// Published tables and their margins.
    #[schema(max_items = 100)]
    tables: Vec<PreviewedTable>,
    /// Hidden cells, at most 1,000.
    #[schema(max_items = 1000)]
    hidden_cells: Vec<HiddenCell>,
}

/// Number of cells of a published table.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewedTable {
    /// `service_uses` or `accesses`.
    measure: &'static str,
    /// Dimensions; none for the total.
    #[schema(max_items = 3)]
    dimensions: Vec<&'static str>,
    /// Cells that are not zero.
    cells: u64,
    /// Those of them that would be hidden.
    hidden: u64,
}

/// A cell that would be hidden.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HiddenCell {
    /// `service_uses` or `accesses`.
    measure: &'static str,
    /// Codes by dimension; the cell sums all other dimensions.
    labels: BTreeMap<&'static str, String>,
}

impl PreviewedEdition {
    /// Lists the cells of an edition.
    pub fn of(edition: &PublicYear) -> Self {
        let (mut tables, mut hidden_cells) = (Vec::new(), Vec::new());
        for (measure, name) in [
            (PublicMeasure::Uses, "service_uses"),
            (PublicMeasure::Accesses, "accesses"),
        ] {
            for by in margins(measure, edition.period()) {
                let mut cells = edition.cells(measure, &by);
                cells.retain(|cell| cell.count != Count::Shown(0));
                let hidden = cells.iter().filter(|cell| cell.count.is_hidden());
                let dimensions = by.iter().map(|dimension| dimension.name());
                tables.push(PreviewedTable {
                    measure: name,
                    dimensions: dimensions.collect(),
                    cells: cells.len() as u64,
                    hidden: hidden.clone().count() as u64,
                });
                hidden_cells.extend(hidden.map(|cell| {
                    let labels = cell.labels.iter();
                    let labels = labels.map(|label| (label.dimension.name(), label.text.clone()));
                    HiddenCell {
                        measure: name,
                        labels: labels.collect(),
                    }
                }));
            }
        }
        tables.retain(|table| table.cells > 0);
        hidden_cells.truncate(HIDDEN_MAX);
        Self {
            small_count: edition.small_count(),
            users_by_hour: edition.users().is_some(),
            tables,
            hidden_cells,
        }
    }
}

/// Returns the dimensions of each published table and of its margins, the total first. A month is not
/// split by months.
fn margins(measure: PublicMeasure, period: ClosedPeriod) -> Vec<Vec<Dimension>> {
    let mut all: Vec<Vec<Dimension>> = Vec::new();
    for table in measure.tables() {
        let mut of_table = vec![Vec::new()];
        for dimension in *table {
            if *dimension == Dimension::Month && period.month.is_some() {
                continue;
            }
            for with in of_table.clone() {
                of_table.push([with, vec![*dimension]].concat());
            }
        }
        all.extend(of_table);
    }
    all.sort_by_key(|by| (by.len(), by.clone()));
    all.dedup();
    all
}

/// Question for the preview of a period that is not closed.
#[derive(Debug)]
pub struct PreviewQuestion {
    /// Year or month.
    pub period: ClosedPeriod,
    /// Place for the preview, or for the reason why it is missing.
    pub reply: oneshot::Sender<Result<PublicPreview, String>>,
}

/// Sends questions for previews to the task that computes them.
pub type PreviewFeed = mpsc::Sender<PreviewQuestion>;

/// Handles `GET /v1/preview`.
pub(crate) async fn preview(
    State(api): State<Api>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    let said = |problem| in_language(problem, uri.query(), &headers);
    match api.admit(peer, &headers) {
        Ok(client) => {
            let answer = answer(&api, client.key.as_deref(), pairs).await;
            client.allowance.limit(answer.map_err(said))
        }
        Err(problem) => said(problem).into_response(),
    }
}

/// Answers a question of the holder of a key.
pub(crate) async fn answer(
    api: &Api,
    key: Option<&Key>,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let key = key.ok_or_else(|| needs_key("a preview needs a key"))?;
    // The hidden cells of an ente depend on the counts of others.
    if key.role != Role::Admin && key.enti.codes().is_some() {
        let text = "a preview shows something of all enti, and the key reaches only some";
        return Err(Problem::forbidden(text));
    }
    let period = asked(pairs)?;
    let editions = api.editions();
    let of_year = editions.version(ClosedPeriod::from(period.year));
    if of_year.or_else(|| editions.version(period)).is_some() {
        let text = "the period is closed, and has a public edition or none";
        return Err(Problem::parameter("period", text, &[]));
    }
    let (reply, answer) = oneshot::channel();
    let question = PreviewQuestion { period, reply };
    let preview = match api.previews().send(question).await {
        Ok(()) => answer.await.ok(),
        Err(_) => None,
    };
    let preview = preview.ok_or_else(|| Problem::unavailable("the service is stopping", RETRY))?;
    let preview = preview.map_err(|cause| Problem::unavailable(cause, RETRY_FAILED))?;
    Ok(written(preview))
}

/// Returns the year or the month of a question.
fn asked(
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<ClosedPeriod, Problem> {
    let Query(pairs) = pairs
        .map_err(|_| Problem::parameter("query", "the query string is not UTF-8 text", &[]))?;
    let mut period = None;
    for (name, value) in &pairs {
        match &**name {
            "period" => period = Period::parse(value).ok().and_then(Period::closed),
            "lang" => {}
            _ => {
                let detail = "a preview has no such parameter";
                return Err(Problem::parameter(name, detail, &["period", "lang"]));
            }
        }
    }
    match period.as_deref() {
        Some(&[period]) => Ok(period),
        _ => {
            let detail = "give a year (2018) or a month (2018-03)";
            Err(Problem::parameter("period", detail, &[]))
        }
    }
}

fn written(preview: PublicPreview) -> Response {
    let is_over = matches!(preview.state, PreviewState::Ready | PreviewState::NoEdition);
    let mut response = Json(preview).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "private, no-store"),
        (VARY, "Authorization, X-API-Key"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !is_over {
        headers.insert(RETRY_AFTER, HeaderValue::from(RETRY.as_secs()));
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    response
}

#[cfg(test)]
mod tests {
    use affluenza_disclosure::edition::{OpenMonth, Outcome};
    use affluenza_disclosure::{Secret, Threshold};
    use affluenza_store::figures::MonthUse;
    use affluenza_store::open::OpenFigures;

    use super::*;

    #[test]
    fn an_edition_lists_its_tables_and_hidden_cells_without_counts() {
        let uses = [("a", 900), ("b", 2), ("c", 40)].map(|(ente, service_uses)| MonthUse {
            ente: ente.to_owned(),
            month: 3,
            device: "desktop".to_owned(),
            portal_kind: "services".to_owned(),
            accesses: 0,
            service_uses,
        });
        let figures = OpenFigures {
            months: uses.to_vec(),
            ..OpenFigures::default()
        };
        let period = ClosedPeriod::month(2018, 3);
        let month = OpenMonth {
            period,
            figures: &figures,
            editions: &[],
        };
        let decided = Outcome::decide_month(month, Threshold { k: 3 }, &Secret([1; 32]));
        let Ok(Outcome::Edition(decided)) = decided else {
            panic!("the month cannot be protected");
        };
        let edition = PublicYear::of(period, &figures, &decided).unwrap();
        let preview = serde_json::to_value(PreviewedEdition::of(&edition)).unwrap();
        let tables = serde_json::json!([
            { "measure": "service_uses", "dimensions": [], "cells": 1, "hidden": 0 },
            { "measure": "service_uses", "dimensions": ["ente"], "cells": 3, "hidden": 2 },
        ]);
        assert_eq!(preview["tables"], tables);
        let hidden = preview["hidden_cells"].as_array().unwrap();
        assert_eq!(hidden.len(), 2);
        assert!(hidden.iter().any(|cell| cell["labels"]["ente"] == "b"));
        assert_eq!(preview["users_by_hour"], false);
    }
}
