//! OpenAPI document of the collector, generated from its types.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

use crate::http;
use crate::outcome::{Answer, ItemResult, Reason};
use crate::warn::Warning;

// Only describes the responses, which the web crate makes.
/// Problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct ProblemDocument {
    /// Type of the problem, as a URI reference.
    #[serde(rename = "type")]
    kind: String,
    /// Type of the problem, in words.
    title: String,
    /// HTTP status.
    status: u16,
    /// Cause of the problem and how to fix it.
    detail: String,
    /// Type of the problem, as a stable code.
    code: String,
    /// Number of accepted events: always 0.
    #[schema(required = false, format = Int64)]
    accepted: Option<usize>,
    /// Number of refused events, if the events are the problem.
    #[schema(required = false, format = Int64)]
    refused: Option<usize>,
    /// Refused events.
    #[schema(required = false)]
    results: Option<Vec<ItemResult>>,
}

/// OpenAPI document of the collector.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Affluenza: collector",
        description = "Accepts events of portals. At most 64 KiB an event, and 1,000 events or 1 MiB a request unless configured otherwise.",
        terms_of_service = "https://eupl.eu/1.2/en/",
        contact(name = "Operator of this service"),
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "events", description = "For portals, with a key"),
        (name = "pages", description = "For pages that count their own visits"),
        (name = "service", description = "The service itself")
    ),
    paths(http::events, http::visit, http::script, http::picture, status),
    components(schemas(Answer, ItemResult, Reason, Warning, ProblemDocument)),
    modifiers(&SecurityAddon, &RateLimitAddon),
)]
pub struct ApiDoc;

/// Get the status of the collector.
///
/// Answers 200 if the collector can accept events and 503 if it cannot, with a problem document in
/// both cases.
#[utoipa::path(
    get,
    path = "/status",
    tag = "service",
    operation_id = "get_status",
    responses(
        (status = 200, description = "The collector can accept events", body = StatusDocument, content_type = "application/problem+json"),
        (status = 503, description = "The collector cannot accept events; `detail` has the reason", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for a route of the web crate")]
fn status() {}

/// Answer of `/status` if the collector can accept events.
#[derive(Serialize, ToSchema)]
pub struct StatusDocument {
    /// Always `about:blank`.
    #[serde(rename = "type")]
    kind: String,
    /// Always `OK`.
    title: String,
    /// HTTP status.
    status: u16,
}

/// Adds the security scheme and extensions, which the macro does not support.
struct SecurityAddon;

impl Modify for SecurityAddon {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A key of the role writer: `affluenza keys create`"))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(scheme));
        let named = ExtensionsBuilder::new()
            .add("x-api-id", "affluenza-collector")
            .add("x-summary", "Accepts events of portals");
        document.info.extensions = Some(named.build());
    }
}

/// Adds the headers of rate limits.
struct RateLimitAddon;

impl Modify for RateLimitAddon {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        const LEFT: [(&str, &str); 3] = [
            ("RateLimit-Limit", "Requests that may be sent at once"),
            ("RateLimit-Remaining", "Requests left now"),
            ("RateLimit-Reset", "Seconds until the limit is full again"),
        ];
        const LATER: (&str, &str) = ("Retry-After", "Seconds until a retry is accepted");
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(0))
            .build();
        let operations = document.paths.paths.values_mut();
        let operations = operations.flat_map(|path| [path.get.as_mut(), path.post.as_mut()]);
        for operation in operations.flatten() {
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else {
                    continue;
                };
                let names = match status.as_str() {
                    "202" => LEFT.to_vec(),
                    "429" => [&LEFT[..], &[LATER]].concat(),
                    "503" => vec![LATER],
                    _ => Vec::new(),
                };
                for (name, description) in names {
                    let header = HeaderBuilder::new()
                        .schema(Some(number.clone()))
                        .description(Some(description))
                        .build();
                    response.headers.insert(name.to_owned(), RefOr::T(header));
                }
            }
        }
    }
}

/// Returns the document in the checked-in format.
pub fn document() -> String {
    let mut text = ApiDoc::openapi()
        .to_pretty_json()
        .expect("the document is made of plain types");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED_IN: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../schemas/collector.openapi.json"
    );

    #[test]
    fn the_document_is_the_one_checked_in() {
        let fresh = document();
        if std::env::var_os("AFFLUENZA_WRITE_SCHEMAS").is_some() {
            std::fs::write(CHECKED_IN, &fresh).unwrap();
        }
        let known = std::fs::read_to_string(CHECKED_IN).unwrap_or_default();
        // The order of maps depends on the crates that are built together.
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert!(
            value(&fresh) == value(&known),
            "the interface has changed: run this test with AFFLUENZA_WRITE_SCHEMAS=1 and look at the difference"
        );
    }
}
