//! Sends random input. Every answer must be a documented one, and every event accepted or refused.
//! Kafka is not reachable, so accepted events go to the spool.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::sync::Arc;

use affluenza_classify::geo::Geo;
use affluenza_collector::{Collector, Config, Page, Parts, Reason};
use affluenza_http::keys::{KeyRing, KeyStore, NewKey, Role, Scope};
use affluenza_register::Register;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};
use strum::VariantArray as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const REGISTER: &str = include_str!("../../../deploy/register.toml");
const EVENT: &str = r#"{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://e.example","id":"1","time":"2026-03-20T10:00:00+01:00","data":{"ente":"c_d612","portal":"www","service":"s","kind":"plain","session":"s","visitor":"v","client":{"ip":"93.45.1.17","user_agent":"x","touch_points":5}}}"#;
const VISIT: &str = r#"{"page":"www","id":"1","time":"2026-03-20T10:00:00Z","path":"/a","service":"","touch_points":0,"mobile":false,"platform":"Linux","form_factors":["Desktop"]}"#;
const KINDS: [&str; 6] = [
    "application/json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/x-ndjson",
    "text/plain",
    "",
];

struct World {
    collector: Arc<Collector>,
    router: Router,
    /// Key for every ente.
    key: String,
    /// Key for Florence.
    own_key: String,
    _folder: TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    let (_, secret) = KeyStore::new(&file)
        .create(NewKey::new("all", Role::Writer))
        .unwrap();
    let own = NewKey {
        enti: Scope::of(["c_d612"]),
        ..NewKey::new("own", Role::Writer)
    };
    let (_, own_secret) = KeyStore::new(&file).create(own).unwrap();
    let page = Page {
        ente: "c_d612".into(),
        portal: "www".into(),
        origins: vec!["https://www.example.it".into()],
        ..Page::default()
    };
    let config = Config {
        kafka_wait_ms_max: 100,
        key_requests_per_second: 1_000_000,
        pages: [("www".to_owned(), page)].into(),
        ..Config::default()
    };
    let bus = affluenza_kafka::Config {
        bootstrap_servers: "127.0.0.1:1".into(),
        ..affluenza_kafka::Config::default()
    };
    let parts = Parts {
        bus: &bus,
        data: folder.path(),
        keys: KeyRing::open(&file).unwrap(),
        register: Register::parse(REGISTER).unwrap(),
        geo: Geo::none(),
    };
    let collector: Arc<Collector> = Collector::new(config, parts).unwrap();
    World {
        router: collector.router(),
        collector,
        key: secret.expose().to_owned(),
        own_key: own_secret.expose().to_owned(),
        _folder: folder,
    }
}

/// Generates texts that are nearly valid: parts of a valid one are replaced.
fn nearly(right: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"null".to_vec()),
        Just(b"[".to_vec()),
        Just(b"\"\\u0000\"".to_vec()),
        Just(b"1e999".to_vec()),
        Just(b"\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec((0..right.len(), 0..12_usize, piece), 0..3).prop_map(move |changes| {
        let mut bytes = right.as_bytes().to_vec();
        for (at, length, piece) in changes {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        bytes
    })
}

fn check(runtime: &tokio::runtime::Runtime, router: &Router, request: Request<Body>) {
    let response = runtime
        .block_on(router.clone().oneshot(request))
        .expect("it cannot fail");
    let status = response.status().as_u16();
    let body = runtime.block_on(response.into_body().collect()).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert!(
        [202, 400, 401, 403, 413, 415, 422].contains(&status),
        "{status}: {answer}"
    );
    if matches!(status, 202 | 422) {
        let refused = answer["refused"].as_u64().unwrap();
        assert_eq!(answer["results"].as_array().unwrap().len() as u64, refused);
        assert!(answer["accepted"].as_u64().unwrap() + refused > 0);
    } else if status != 403 {
        assert!(
            answer["code"].is_string() && answer["detail"].is_string(),
            "{answer}"
        );
    }
}

#[test]
fn every_answer_is_a_documented_one() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(async { world() });
    let mut runner = TestRunner::new(Runs {
        cases: 1_000,
        failure_persistence: None,
        ..Runs::default()
    });
    let bodies = prop_oneof![
        4 => nearly(EVENT),
        1 => prop::collection::vec(nearly(EVENT), 1..4).prop_map(|events| events.join(&b'\n')),
        1 => prop::collection::vec(nearly(EVENT), 1..4).prop_map(|events| {
            [b"[".to_vec(), events.join(&b','), b"]".to_vec()].concat()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    let encodings = prop_oneof![4 => Just(""), 1 => Just("gzip"), 1 => Just("br")];
    let cases = (
        bodies,
        0..KINDS.len(),
        encodings,
        any::<bool>(),
        any::<bool>(),
    );
    runner
        .run(&cases, |(body, kind, encoding, has_key, is_binary)| {
            let mut request = Request::post("/v1/events").header("content-type", KINDS[kind]);
            if has_key {
                request = request.header("authorization", format!("Bearer {}", world.key));
            }
            if !encoding.is_empty() {
                request = request.header("content-encoding", encoding);
            }
            if is_binary {
                request = request
                    .header("ce-specversion", "1.0")
                    .header("ce-id", "%FF");
            }
            check(&runtime, &world.router, request.body(body.into()).unwrap());
            Ok(())
        })
        .unwrap();
    runner
        .run(&(nearly(VISIT), any::<bool>()), |(body, is_listed)| {
            let origin = if is_listed {
                "https://www.example.it"
            } else {
                "null"
            };
            let request = Request::post("/v1/visite").header("origin", origin);
            check(&runtime, &world.router, request.body(body.into()).unwrap());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_replaced_register_is_active_at_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(async { world() });
    let event = EVENT
        .replace("c_d612", "Fiorenza")
        .replace("https://e.example", "https://f.example");
    let send = || {
        let request = Request::post("/v1/events")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", world.own_key));
        let request = request.body(Body::from(event.clone())).unwrap();
        let answer = runtime.block_on(world.router.clone().oneshot(request));
        answer.unwrap().status().as_u16()
    };
    assert_eq!(send(), 403, "the name stands for no ente");
    let right = REGISTER.replace("\"Florence\"", "\"Florence\", \"Fiorenza\"");
    world.collector.renew(Register::parse(&right).unwrap());
    assert_eq!(send(), 202);
}

struct TextAnswer {
    status: u16,
    body: String,
}

fn answer(runtime: &Runtime, world: &World, request: Request<Body>) -> TextAnswer {
    runtime.block_on(async {
        let response = world.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        TextAnswer { status, body }
    })
}

#[test]
fn every_form_of_cloudevents_has_its_answer() {
    let cases: serde_json::Value =
        serde_json::from_str(include_str!("fixtures/cloudevents.json")).unwrap();
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(async { world() });
    for case in cases["requests"].as_array().unwrap() {
        let mut request =
            Request::post("/v1/events").header("authorization", format!("Bearer {}", world.key));
        for (name, value) in case["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        let body = case["body"].as_str().unwrap().to_owned();
        let request = request.body(Body::from(body)).unwrap();
        let answer = answer(&runtime, &world, request);
        let name = &case["name"];
        assert_eq!(answer.status, case["status"], "{name}: {}", answer.body);
        let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        for member in ["reason", "pointer"] {
            if let Some(expected) = case.get(member) {
                assert_eq!(&answer["results"][0][member], expected, "{answer}");
            }
        }
    }
}

#[test]
fn a_page_may_send_the_attributes_that_it_asks_for() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(async { world() });
    let request = Request::options("/v1/visite")
        .header("origin", "https://www.example.it")
        .header(
            "access-control-request-headers",
            "content-type,ce-id,CE-Mine,x-evil",
        )
        .body(Body::empty())
        .unwrap();
    let response = runtime
        .block_on(world.router.clone().oneshot(request))
        .unwrap();
    let allowed: Vec<_> = response
        .headers()
        .get_all("access-control-allow-headers")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert_eq!(allowed[1..], ["ce-id", "ce-mine"]);
}

#[test]
fn every_reason_and_problem_has_its_place_on_the_page() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(async { world() });
    let request = Request::get("/problems").body(Body::empty()).unwrap();
    let page = answer(&runtime, &world, request).body;
    for reason in Reason::VARIANTS {
        assert!(page.contains(&format!("<dt id=\"{reason}\">")), "{reason}");
    }
    for (path, key) in [
        ("/v1/events", ""),
        ("/nothing", ""),
        ("/v1/events", &*world.key),
    ] {
        let request = Request::post(path).header("authorization", format!("Bearer {key}"));
        let request = request.body(Body::from("x")).unwrap();
        let answer = answer(&runtime, &world, request).body;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let link = answer["type"].as_str().unwrap();
        let id = link.strip_prefix("/problems#").unwrap();
        assert!(page.contains(&format!("<dt id=\"{id}\">")), "{link}");
    }
}
