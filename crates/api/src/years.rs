//! The years and months with public figures. A client without a key asks for them once, instead of
//! trying each.

use affluenza_disclosure::edition::{Editions, NoEdition};
use affluenza_http::{Peer, Problem};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use xxhash_rust::xxh3::xxh3_64;

use crate::Api;
use crate::compose::Viewer;
use crate::reply::{common_headers, is_known};
use crate::service::{Admitted, problem};
use crate::source::NoFigures;

/// Years and months with public figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicYears {
    /// Calendar years that are closed and published, in order.
    #[schema(max_items = 1000)]
    years: Vec<i16>,
    /// Closed and published months of other years, as `2018-03`, in order. The months of a closed
    /// year are published with it.
    #[schema(max_items = 1000)]
    months: Vec<String>,
}

/// Handles `GET /v1/years`.
pub(crate) async fn years(
    State(api): State<Api>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    match api.admit(peer, &headers) {
        Ok(Admitted { allowance, .. }) => allowance.limit(answer(&api, &headers)),
        Err(problem) => problem.into_response(),
    }
}

fn published(editions: &Editions) -> Result<PublicYears, NoEdition> {
    let months = editions.months()?.into_iter();
    Ok(PublicYears {
        years: editions.years()?,
        months: months.map(|month| month.to_string()).collect(),
    })
}

fn answer(api: &Api, headers: &HeaderMap) -> Result<Response, Problem> {
    let closed = published(api.editions());
    let closed = closed.map_err(|cause| problem(NoFigures::from(cause)))?;
    let body = serde_json::json!(closed).to_string();
    let etag = format!("W/\"{:016x}\"", xxh3_64(body.as_bytes()));
    let mut response = if is_known(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let json = HeaderValue::from_static("application/json");
        ([(CONTENT_TYPE, json)], body).into_response()
    };
    common_headers(response.headers_mut(), &etag, &Viewer::Public);
    Ok(response)
}
