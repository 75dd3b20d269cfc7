//! The description of the interface, made from its own types.

use serde::Serialize;
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
    #[schema(required = false)]
    accepted: Option<usize>,
    /// Events refused, where it is they that are wrong.
    #[schema(required = false)]
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
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    paths(http::events, http::beacon, http::script),
    components(schemas(Answer, ItemResult, Reason, ProblemDocument)),
    modifiers(&Key),
)]
pub struct ApiDoc;

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
        assert!(
            fresh == known,
            "the interface has changed: run this test with AFFLUENZA_WRITE_SCHEMAS=1 and look at the difference"
        );
    }
}
