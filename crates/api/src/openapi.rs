//! The OpenAPI 3.1 contract. Paths of figures and their parameters come from the lists that requests
//! are parsed with; texts and other paths stand here.

use affluenza_store::usage::Dimension;
use serde_json::{Map, Value as Json, json};
use strum::VariantArray as _;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::answer::{Completeness, EnteCompleteness, Loss, Meta, Span, Warning};
use crate::columns::schema_name;
use crate::open::OPEN;
use crate::parameters::LANGUAGES;
use crate::preview::{HiddenCell, PreviewState, PreviewedEdition, PreviewedTable, PublicPreview};
use crate::question::{Compare, Measure, Question, Resource, STATES};
use crate::reply::FORMATS;
use crate::source::{Split, TablesUsed};
use crate::workbook::XLSX;
use crate::years::PublicYears;
use crate::{columns, compose, counted, hours, offers};

/// Returns the OpenAPI document of a service at the address `base`, which has no slash at its end.
pub fn openapi(base: &str) -> Json {
    let mut server = json!({ "url": base, "description": "This service" });
    if !base.starts_with("https://") {
        server["x-sandbox"] = json!(true);
    }
    let mut paths = Map::new();
    for &resource in Resource::VARIANTS {
        paths.insert(format!("/v1/{}", resource.path()), path_of(resource));
    }
    paths.insert("/v1/years".into(), public_years());
    paths.insert("/v1/preview".into(), preview());
    paths.insert("/open-data".into(), open_data(None));
    paths.insert("/open-data/{file}".into(), open_data(Some("file")));
    paths.insert("/status".into(), status());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Affluenza",
            "version": "1.0.0",
            "summary": "How the portals of public bodies are used",
            "description": "Usage of public-service portals by category, public body, service, hour, device and more. Every answer carries unit, period, time zone, completeness and warnings beside its figures.",
            "termsOfService": format!("{base}/docs#terms"),
            "contact": { "name": "Operator of the service", "url": format!("{base}/docs") },
            "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" },
            "x-api-id": "affluenza",
            "x-summary": "How the portals of public bodies are used"
        },
        "servers": [server],
        "tags": [
            { "name": "figures", "description": "Usage and what is offered" },
            { "name": "open-data", "description": "Files for everybody" },
            { "name": "service", "description": "The service itself" }
        ],
        "security": [{ "bearer": [] }, { "api_key": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "parameters": parameters(),
            "headers": headers(),
            "responses": responses(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A key, made with `affluenza keys create`." },
                "api_key": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in a header of its own." }
            }
        }
    })
}

fn summary(resource: Resource) -> (&'static str, &'static str) {
    match resource {
        Resource::Usage => (
            "Usage by any dimensions",
            "Groups by up to four dimensions; every dimension is a filter, too.",
        ),
        Resource::Categories => (
            "Usage by category",
            "With the kinds, which are disjoint and add up.",
        ),
        Resource::Enti => (
            "Usage by public body",
            "With the kinds, which are disjoint and add up.",
        ),
        Resource::Matrix => (
            "Usage by public body and category",
            "And of which kind with `by_kind=true`.",
        ),
        Resource::TopServices => (
            "The services used most",
            "With the number of enti where each was used.",
        ),
        Resource::Variations => (
            "What moved between two periods",
            "By ente and service: NEW, RETIRED, UNUSED and BROKEN by the register; UNREGISTERED is used without being offered; CHANGED is everything else. The greatest difference first.",
        ),
        Resource::Hours => (
            "Users by hour of the day",
            "Means are divided by the hours that really existed, changes of the clock included.",
        ),
        Resource::Bands => (
            "Users by band of the day",
            "Night, office hours and evening.",
        ),
        Resource::Devices => ("Usage by class of device", "And its trend with `trend`."),
        Resource::Logins => (
            "Usage by way of identification",
            "SPID by level, CIE, CNS, password, none.",
        ),
        Resource::OfferedVersusUsed => (
            "Services offered and used, by public body",
            "What was offered on any day of the period, and how much of it was used.",
        ),
        Resource::Catalogue => (
            "Services of the register",
            "With the number of enti that offer each in the period.",
        ),
        Resource::Register => (
            "Public bodies of the register",
            "With a key, also the days of the period with and without their events.",
        ),
        Resource::Live => (
            "The last minutes",
            "By minute, UTC, from the facts as they come in.",
        ),
    }
}

fn path_of(resource: Resource) -> Json {
    let (summary, mut description) = {
        let (summary, description) = summary(resource);
        (summary, description.to_owned())
    };
    if OPEN.contains(&resource) {
        description.push_str(
            " Without a key: whole years and months that are closed, in what is published of them.",
        );
    }
    let mut refs: Vec<Json> = resource
        .parameters()
        .iter()
        .copied()
        .chain(["format", "lang"])
        .chain(resource.filters().iter().map(|dimension| dimension.name()))
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
        .collect();
    refs.push(json!({ "$ref": "#/components/parameters/if_none_match" }));
    let answer = format!("{}Answer", schema_name(resource));
    json!({
        "get": {
            "operationId": resource.path().replace('-', "_"),
            "summary": summary,
            "description": description,
            "tags": ["figures"],
            "parameters": refs,
            "responses": {
                "200": {
                    "description": "The figures.",
                    "headers": header_refs(&[&LIMITS[..], &CACHED].concat()),
                    "content": {
                        "application/json": { "schema": { "$ref": format!("#/components/schemas/{answer}") } },
                        "text/csv": { "schema": { "type": "string" } },
                        (XLSX): { "schema": { "type": "string", "format": "binary" } }
                    }
                },
                "304": { "$ref": "#/components/responses/Unchanged" },
                "400": { "$ref": "#/components/responses/BadRequest" },
                "401": { "$ref": "#/components/responses/Unauthorized" },
                "403": { "$ref": "#/components/responses/Forbidden" },
                "404": { "$ref": "#/components/responses/NotFound" },
                "406": { "$ref": "#/components/responses/NotAcceptable" },
                "429": { "$ref": "#/components/responses/TooManyRequests" },
                "503": { "$ref": "#/components/responses/Unavailable" },
                "431": { "$ref": "#/components/responses/HeadTooLarge" },
                "default": { "$ref": "#/components/responses/Failed" }
            }
        }
    })
}

/// Describes the catalogue, or one of its files.
fn open_data(file: Option<&str>) -> Json {
    let (operation, summary, description) = match file {
        None => (
            "open_data",
            "Catalogue of the open data",
            "DCAT-AP_IT as JSON-LD, of every year that is closed. What is in the files is what the figures without a key are made of, too.",
        ),
        Some(_) => (
            "open_data_file",
            "A file of the open data",
            "CSV, UTF-8, separated by commas; its name is in the catalogue.",
        ),
    };
    let parameters: Vec<Json> = file
        .into_iter()
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true, "description": "Name of the file.",
                "schema": { "type": "string", "pattern": "^[a-z0-9.-]+$", "maxLength": 100 }
            })
        })
        .chain([json!({ "$ref": "#/components/parameters/if_none_match" })])
        .collect();
    let content = match file {
        None => json!({ "application/ld+json": { "schema": { "type": "object" } } }),
        Some(_) => {
            json!({ "text/csv": { "schema": { "type": "string" } }, "application/ld+json": { "schema": { "type": "object" } } })
        }
    };
    json!({
        "get": {
            "operationId": operation,
            "summary": summary,
            "description": description,
            "tags": ["open-data"],
            "security": [{}],
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "The file.",
                    "headers": header_refs(&[&LIMITS[..], &CACHED].concat()),
                    "content": content
                },
                "304": { "$ref": "#/components/responses/Unchanged" },
                "404": { "$ref": "#/components/responses/NotFound" },
                "429": { "$ref": "#/components/responses/TooManyRequests" },
                "503": { "$ref": "#/components/responses/Unavailable" },
                "431": { "$ref": "#/components/responses/HeadTooLarge" },
                "default": { "$ref": "#/components/responses/Failed" }
            }
        }
    })
}

fn public_years() -> Json {
    json!({
        "get": {
            "operationId": "years",
            "summary": "Years and months with public figures",
            "description": "The years and months that are closed and published. Figures of them need no key.",
            "tags": ["figures"],
            "parameters": [{ "$ref": "#/components/parameters/if_none_match" }],
            "responses": {
                "200": {
                    "description": "The years and months.",
                    "headers": header_refs(&[&LIMITS[..], &CACHED].concat()),
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/PublicYears" } } }
                },
                "304": { "$ref": "#/components/responses/Unchanged" },
                "401": { "$ref": "#/components/responses/Unauthorized" },
                "403": { "$ref": "#/components/responses/Forbidden" },
                "429": { "$ref": "#/components/responses/TooManyRequests" },
                "503": { "$ref": "#/components/responses/Unavailable" },
                "431": { "$ref": "#/components/responses/HeadTooLarge" },
                "default": { "$ref": "#/components/responses/Failed" }
            }
        }
    })
}

fn preview() -> Json {
    let schema = json!({ "schema": { "$ref": "#/components/schemas/PublicPreview" } });
    json!({
        "get": {
            "operationId": "preview",
            "summary": "Cells that a public edition would hide",
            "description": "Shows which cells of a year or a month that is not closed would be hidden if it was closed now. The preview is computed in the background: ask again until the answer is 200. It is kept for ten minutes, until a period is closed or the register changes. Needs a key that reaches all public bodies. Closing may hide other cells, because the figures change until then.",
            "tags": ["figures"],
            "security": [{ "bearer": [] }, { "api_key": [] }],
            "parameters": [
                {
                    "name": "period",
                    "in": "query",
                    "required": true,
                    "description": "Year or month.",
                    "schema": { "type": "string", "pattern": format!("^({YEAR}|{MONTH})$"), "maxLength": 7, "examples": ["2018-03"] }
                },
                { "$ref": "#/components/parameters/lang" }
            ],
            "responses": {
                "200": {
                    "description": "The preview.",
                    "headers": header_refs(&LIMITS),
                    "content": { "application/json": schema }
                },
                "202": {
                    "description": "The preview is being computed.",
                    "headers": header_refs(&[&LIMITS[..], &["Retry-After"]].concat()),
                    "content": { "application/json": schema }
                },
                "400": { "$ref": "#/components/responses/BadRequest" },
                "401": { "$ref": "#/components/responses/Unauthorized" },
                "403": { "$ref": "#/components/responses/Forbidden" },
                "429": { "$ref": "#/components/responses/TooManyRequests" },
                "503": { "$ref": "#/components/responses/Unavailable" },
                "431": { "$ref": "#/components/responses/HeadTooLarge" },
                "default": { "$ref": "#/components/responses/Failed" }
            }
        }
    })
}

fn status() -> Json {
    json!({
        "get": {
            "operationId": "status",
            "summary": "Whether the service can answer",
            "description": "200 when it can, 503 when it cannot; a problem document in both cases.",
            "tags": ["service"],
            "security": [{}],
            "responses": {
                "200": problem_response("It can answer.", &[]),
                "429": { "$ref": "#/components/responses/TooManyRequests" },
                "503": { "$ref": "#/components/responses/Unavailable" },
                "431": { "$ref": "#/components/responses/HeadTooLarge" },
                "default": { "$ref": "#/components/responses/Failed" }
            }
        }
    })
}

fn parameter(name: &str, description: &str, schema: Json) -> Json {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

/// Years, months and days that requests may have, as regular expressions. The last year is not whole.
const YEAR: &str = "(19[7-9][0-9]|20[0-9]{2}|21[0-3][0-9]|214[0-8])";
const MONTH: &str = "(19[7-9][0-9]|20[0-9]{2}|21[0-3][0-9]|214[0-8])-(0[1-9]|1[0-2])";
const DAY: &str = "((19[7-9][0-9]|20[0-9]{2}|21[0-3][0-9]|214[0-8])-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|(19(7[26]|8[048]|9[26])|20([02468][048]|[13579][26])|21(0[48]|[24][048]|[13][26]))-02-29)";

fn parameters() -> Map<String, Json> {
    let period = format!("({YEAR}(-[Qq][1-4])?|{MONTH}|{DAY})");
    let period = format!("{period}(\\.\\.{period})?");
    let measures = Measure::ALL.map(Measure::name);
    let dimensions = Dimension::names();
    let mut all: Map<String, Json> = Map::new();
    let plain = [
        (
            "measure",
            "What is counted.",
            choice(&measures, "service_uses"),
        ),
        (
            "period",
            "A year, a quarter, a month, a day, or FROM..TO of any of them, in local days; the newest year with figures without.",
            text(&format!("^{period}$"), 22),
        ),
        (
            "compare",
            "Period of comparison: none, year-before (the same dates), before (as much time just before), or another period. Of a period that is not over, the days with data are compared with the same days; `meta.data_up_to` is the newest of them.",
            text(&format!("^(none|year-before|before|{period})$"), 22),
        ),
        (
            "count",
            "people leaves bots out.",
            choice(&["people", "all"], "people"),
        ),
        (
            "search",
            "Part of a code or a name, without regard to case, accents and spaces. `meta.rows` counts the rows found; totals and shares remain those of all rows.",
            text("[A-Za-z0-9]", 100),
        ),
        (
            "order",
            "Column to sort by; a minus before it sorts downwards. Rows without a value, or with a hidden one, come last.",
            text("^-?[a-z_]+$", 30),
        ),
        ("limit", "Rows on a page.", number(1, 10_000)),
        (
            "cursor",
            "From the link `next` of the page before.",
            text("^r([0-9a-f]{1,4}|[12][0-9a-f]{4})\\.[0-9a-f]{1,16}$", 22),
        ),
        (
            "by_kind",
            "Whether kinds are told apart.",
            json!({ "type": "boolean", "default": false }),
        ),
        (
            "trend",
            "One row for each day, month or year, too.",
            choice(&["none", "day", "month", "year"], "none"),
        ),
        (
            "state",
            "Only variations of this state.",
            json!({ "type": "string", "enum": STATES }),
        ),
        ("minutes", "How far back.", number(1, 1440)),
        (
            "lang",
            "Language of errors; wins over the header Accept-Language.",
            json!({ "type": "string", "enum": LANGUAGES }),
        ),
        (
            "format",
            "Wins over the header Accept. csv-excel-italy has semicolons, decimal commas, a byte order mark and CRLF. xlsx is a workbook, with Italian headings unless lang is another language.",
            choice(&FORMATS, "json"),
        ),
    ];
    for (name, description, schema) in plain {
        all.insert(name.to_owned(), parameter(name, description, schema));
    }
    all.insert(
        "group".into(),
        listed(
            "group",
            "Dimensions of the rows, at most four.",
            json!({ "type": "array", "items": { "type": "string", "enum": dimensions }, "minItems": 1, "maxItems": 4, "uniqueItems": true }),
        ),
    );
    for dimension in Dimension::ALL {
        let name = dimension.name();
        let description = format!(
            "Only these values of {name}: separated by commas, or the parameter repeated. Names of enti, categories and services are taken like their codes."
        );
        let values = dimension.values();
        let pattern = match dimension {
            Dimension::Day => DAY,
            Dimension::Month => MONTH,
            Dimension::Year => YEAR,
            _ => "[^,\\u0000]+",
        };
        let schema = if values.is_empty() {
            json!({ "type": "array", "items": text(&format!("^{pattern}$"), 200), "minItems": 1, "maxItems": 100 })
        } else {
            list(&values)
        };
        all.insert(name.into(), listed(name, &description, schema));
    }
    all.insert("if_none_match".into(), json!({
        "name": "If-None-Match", "in": "header", "required": false,
        "description": "The ETag of the answer at hand: 304 without a body when it still holds.",
        "schema": { "type": "string", "maxLength": 200 }
    }));
    all
}

fn list(names: &[&str]) -> Json {
    json!({ "type": "array", "items": { "type": "string", "enum": names }, "minItems": 1, "maxItems": 100 })
}

fn choice(names: &[&str], default: &str) -> Json {
    json!({ "type": "string", "enum": names, "default": default })
}

fn text(pattern: &str, length: u32) -> Json {
    json!({ "type": "string", "pattern": pattern, "maxLength": length })
}

fn number(low: u32, high: u32) -> Json {
    json!({ "type": "integer", "format": "int32", "minimum": low, "maximum": high })
}

fn listed(name: &str, description: &str, schema: Json) -> Json {
    let mut parameter = parameter(name, description, schema);
    parameter["style"] = json!("form");
    parameter["explode"] = json!(false);
    parameter
}

fn number_header(description: &str) -> Json {
    json!({ "description": description, "schema": { "type": "integer", "format": "int32", "minimum": 0 } })
}

fn headers() -> Json {
    json!({
        "RateLimit-Limit": number_header("Requests that a full bucket allows at once."),
        "RateLimit-Remaining": number_header("Requests left now."),
        "RateLimit-Reset": number_header("Seconds until the bucket is full again."),
        "Retry-After": number_header("Seconds to wait before the next request."),
        "ETag": { "description": "Stands for this answer to this asker.", "schema": { "type": "string", "maxLength": 40 } },
        "Cache-Control": { "description": "Answers may be kept, and are asked for again with If-None-Match.", "schema": { "type": "string", "maxLength": 100 } }
    })
}

fn header_refs(names: &[&str]) -> Map<String, Json> {
    names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!({ "$ref": format!("#/components/headers/{name}") }),
            )
        })
        .collect()
}

const LIMITS: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
const CACHED: [&str; 2] = ["ETag", "Cache-Control"];

fn problem_response(description: &str, headers: &[&str]) -> Json {
    let mut response = json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    });
    if !headers.is_empty() {
        response["headers"] = json!(header_refs(headers));
    }
    response
}

fn responses() -> Json {
    let cached = [&LIMITS[..], &CACHED].concat();
    let limited = [&LIMITS[..], &["Retry-After"]].concat();
    json!({
        "Unchanged": { "description": "The answer at hand still holds.", "headers": header_refs(&cached) },
        "BadRequest": problem_response("A parameter cannot be used; the problem names it and the values that could.", &LIMITS),
        "Unauthorized": problem_response("A valid key is needed.", &LIMITS),
        "Forbidden": problem_response("The key does not reach this.", &LIMITS),
        "NotFound": problem_response("There is no such thing, or it is not published.", &LIMITS),
        "NotAcceptable": problem_response("There is no such format.", &LIMITS),
        "TooManyRequests": problem_response("Too many requests.", &limited),
        "Unavailable": problem_response("Not now.", &["Retry-After"]),
        "HeadTooLarge": {
            "description": "The head of the request is too large, or has too many lines. There is no body."
        },
        "Failed": problem_response("Anything else that went wrong.", &[])
    })
}

fn schema<T: PartialSchema>() -> RefOr<Schema> {
    T::schema()
}

fn schemas() -> Json {
    let mut all = Map::new();
    let parts = [
        (Meta::name(), schema::<Meta>()),
        (Span::name(), schema::<Span>()),
        (Warning::name(), schema::<Warning>()),
        (Completeness::name(), schema::<Completeness>()),
        (EnteCompleteness::name(), schema::<EnteCompleteness>()),
        (Loss::name(), schema::<Loss>()),
        (PublicYears::name(), schema::<PublicYears>()),
        (PublicPreview::name(), schema::<PublicPreview>()),
        (PreviewState::name(), schema::<PreviewState>()),
        (PreviewedEdition::name(), schema::<PreviewedEdition>()),
        (PreviewedTable::name(), schema::<PreviewedTable>()),
        (HiddenCell::name(), schema::<HiddenCell>()),
    ];
    for (name, schema) in parts {
        all.insert(name.into_owned(), json!(schema));
    }
    all.insert("Totals".into(), columns::totals_schema());
    for &resource in Resource::VARIANTS {
        let name = schema_name(resource);
        let row = columns::schema(&forms(resource), summary(resource).0);
        all.insert(format!("{name}Row"), row);
        all.insert(format!("{name}Answer"), json!({
            "type": "object",
            "description": "Figures, and the metadata needed to read them.",
            "required": ["meta", "data", "totals", "links"],
            "properties": {
                "meta": { "$ref": "#/components/schemas/Meta" },
                "data": { "type": "array", "maxItems": 10000, "items": { "$ref": format!("#/components/schemas/{name}Row") } },
                "totals": { "$ref": "#/components/schemas/Totals" },
                "links": { "$ref": "#/components/schemas/Links" }
            }
        }));
    }
    all.insert(
        "Links".into(),
        json!({
            "type": "object",
            "description": "Related addresses, by relation; `next` is the next page.",
            "additionalProperties": { "$ref": "#/components/schemas/Link" }
        }),
    );
    all.insert("Link".into(), json!({
        "type": "object",
        "description": "An address.",
        "required": ["href"],
        "properties": { "href": { "type": "string", "format": "uri-reference", "maxLength": 30000 } }
    }));
    all.insert("Problem".into(), json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "maxLength": 200, "description": "Kind of problem." },
            "title": { "type": "string", "maxLength": 200, "description": "The kind, for people." },
            "status": { "type": "integer", "format": "int32", "minimum": 200, "maximum": 599 },
            "detail": { "type": "string", "maxLength": 2000, "description": "This one, and how to mend it." },
            "code": { "type": "string", "maxLength": 50, "description": "Stable name of the kind." },
            "parameter": { "type": "string", "maxLength": 50, "description": "The parameter at fault." },
            "suggestion": { "type": "string", "maxLength": 200, "description": "The value that may be meant." },
            "allowed": { "type": "array", "maxItems": 1000, "items": { "type": "string", "maxLength": 200 }, "description": "What it may be instead." }
        }
    }));
    Json::Object(all)
}

/// Returns the columns of each form of a resource's rows, by the functions that build answers.
fn forms(resource: Resource) -> Vec<Vec<&'static str>> {
    use Dimension::{Ente, Service};
    match resource {
        Resource::Variations => {
            let public = offers::variation_columns(&[Service]);
            vec![offers::variation_columns(&[Ente, Service]), public]
        }
        Resource::Hours | Resource::Bands => vec![hours::columns(resource)],
        Resource::OfferedVersusUsed => vec![offers::offer_columns()],
        Resource::Catalogue => vec![offers::catalogue_columns()],
        Resource::Register => [true, false].map(compose::register_columns).into(),
        Resource::Live => vec![compose::LIVE_COLUMNS.to_vec()],
        _ => counted_forms(resource),
    }
}

fn counted_forms(resource: Resource) -> Vec<Vec<&'static str>> {
    let mut groups = vec![Vec::new()];
    match resource {
        Resource::Usage => groups = Dimension::ALL.iter().map(|one| vec![*one]).collect(),
        Resource::Devices => {
            groups.extend([Dimension::Day, Dimension::Month, Dimension::Year].map(|one| vec![one]));
        }
        _ => {}
    }
    let mut forms = Vec::new();
    for group in groups {
        for measure in Measure::ALL {
            for compare in [None, Some(Compare::Before)] {
                for by_kind in [false, true] {
                    let question = Question {
                        group: group.clone(),
                        measure,
                        compare,
                        by_kind,
                        ..Question::new(resource)
                    };
                    let dimensions = question.dimensions();
                    forms.extend(TablesUsed::ALL.map(|tables| {
                        let split = Split::of(&question, tables);
                        counted::columns(&question, &dimensions, split)
                    }));
                }
            }
        }
    }
    forms
}
