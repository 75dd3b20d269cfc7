//! The description of the interface, made from its own types.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

use crate::http;
use crate::outcome::{Answer, ItemResult, Reason};

/// A problem (RFC 9457), as it is described: what is sent is made by the web crate.
#[derive(Serialize, ToSchema)]
pub struct ProblemDocument {
    /// Kind of problem, as a URI reference.
    #[serde(rename = "type")]
    kind: String,
    /// Kind of problem, in words.
    title: String,
    /// HTTP status.
    status: u16,
    /// What is wrong, and how to mend it.
    detail: String,
    /// Kind of problem, as a stable code.
    code: String,
    /// Events accepted: none.
    #[schema(required = false, format = Int64)]
    accepted: Option<usize>,
    /// Events refused, where it is they that are wrong.
    #[schema(required = false, format = Int64)]
    refused: Option<usize>,
    /// Why each was refused.
    #[schema(required = false)]
    results: Option<Vec<ItemResult>>,
}

/// The collector's interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Affluenza: collector",
        description = "Takes in events of portals. At most 64 KiB an event, and 1,000 events or 1 MiB a request unless configured otherwise.",
        terms_of_service = "https://eupl.eu/1.2/en/",
        contact(name = "Whoever runs this service"),
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "events", description = "For portals, with a key"),
        (name = "pages", description = "For pages that count their own visits"),
        (name = "service", description = "The service itself")
    ),
    paths(http::events, http::beacon, http::script, status),
    components(schemas(Answer, ItemResult, Reason, ProblemDocument)),
    modifiers(&Key, &Limits),
)]
pub struct ApiDoc;

/// Whether the collector can take events in.
///
/// 200 when it can, 503 when it cannot; a problem document in both cases. Answered by the web crate.
#[utoipa::path(
    get,
    path = "/status",
    tag = "service",
    operation_id = "get_status",
    responses(
        (status = 200, description = "It can", body = StatusDocument, content_type = "application/problem+json"),
        (status = 503, description = "It cannot; `detail` says why", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "stands for a route of the web crate")]
fn status() {}

/// What `/status` says when all is well.
#[derive(Serialize, ToSchema)]
pub struct StatusDocument {
    /// `about:blank`.
    #[serde(rename = "type")]
    kind: String,
    /// `OK`.
    title: String,
    /// HTTP status.
    status: u16,
}

/// The key, and what the macro has no place for.
struct Key;

impl Modify for Key {
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
            .add("x-summary", "Takes in events of portals");
        document.info.extensions = Some(named.build());
    }
}

/// The headers of what is limited.
struct Limits;

impl Modify for Limits {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        const LEFT: [(&str, &str); 3] = [
            ("RateLimit-Limit", "Requests that may be sent at once"),
            ("RateLimit-Remaining", "Requests left now"),
            ("RateLimit-Reset", "Seconds until all are left again"),
        ];
        const LATER: (&str, &str) = ("Retry-After", "Seconds until it may be tried again");
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

/// The document, as it is checked in.
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
        // Whether maps keep their order depends on which crates are built together.
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert!(
            value(&fresh) == value(&known),
            "the interface has changed: run this test with AFFLUENZA_WRITE_SCHEMAS=1 and look at the difference"
        );
    }
}
