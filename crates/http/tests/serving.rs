//! A served router, tested over a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use affluenza_http::telemetry::{CancellationToken, Metrics};
use affluenza_http::{Config, Peer, bounded, listen, metrics_route, serve, status_route};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
}

async fn served(config: Config) -> Served {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (entered, released) = (begun.clone(), go_on.clone());
    let slow = move || async move {
        entered.notify_one();
        released.notified().await;
        "done"
    };
    let metrics = Metrics::default();
    let routes = Router::new()
        .route("/slow", get(slow))
        .route(
            "/peer",
            get(|Extension(peer): Extension<Peer>| async move { peer.0.ip().to_string() }),
        )
        .route("/echo", post(|body: axum::body::Bytes| async move { body }))
        .merge(status_route(|| async { Err("no database".to_owned()) }))
        .merge(metrics_route(&metrics));
    let listener = listen("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let told = stop.clone();
    let ended = tokio::spawn(async move {
        let router = bounded(routes, &config, &metrics);
        serve(listener, router, &config, &metrics, &told)
            .await
            .expect("it serves");
    });
    Served {
        address,
        stop,
        ended,
        begun,
        go_on,
    }
}

async fn ask(address: SocketAddr, request: String) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is read");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn get_of(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn running_requests_end_before_the_service() {
    let served = served(Config::default()).await;
    let slow = tokio::spawn(ask(served.address, get_of("/slow")));
    served.begun.notified().await;
    served.stop.cancel();
    served.go_on.notify_one();
    assert!(slow.await.unwrap().ends_with("done"));
    served.ended.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

/// Sends a request on an open connection, and returns the start of the answer.
async fn ask_on(stream: &mut TcpStream) -> String {
    let request = "GET /peer HTTP/1.1\r\nhost: a\r\n\r\n";
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is read");
    let mut answer = [0; 512];
    let read = stream.read(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_makes_room_for_a_new_one() {
    let config = Config {
        connections_max: 3,
        ..Config::default()
    };
    let served = served(config).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        assert!(ask_on(&mut stream).await.starts_with("HTTP/1.1 200"));
        open.push(stream);
    }
    let slow = tokio::spawn(ask(served.address, get_of("/slow")));
    served.begun.notified().await;
    // The first one was idle for the longest time. The others still answer.
    let mut rest = Vec::new();
    assert_eq!(open[0].read_to_end(&mut rest).await.unwrap(), 0);
    for stream in &mut open[1..] {
        assert!(ask_on(stream).await.starts_with("HTTP/1.1 200"));
    }
    // Two more close the other two, and not the one that waits for its answer.
    for _ in 0..2 {
        let answer = ask(served.address, get_of("/peer")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    served.go_on.notify_one();
    assert!(slow.await.unwrap().ends_with("done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bound_answers_with_a_problem() {
    let config = Config {
        requests_max: 1,
        body_bytes_max: 2000,
        ..Config::default()
    };
    let served = served(config).await;
    let at = served.address;
    let nowhere = ask(at, get_of("/nowhere")).await;
    assert!(
        nowhere.starts_with("HTTP/1.1 404") && nowhere.contains("\"code\":\"not-found\""),
        "{nowhere}"
    );
    assert!(
        nowhere.contains("x-content-type-options: nosniff"),
        "{nowhere}"
    );
    let method = ask(at, get_of("/echo")).await;
    assert!(
        method.starts_with("HTTP/1.1 405") && method.contains("method-not-allowed"),
        "{method}"
    );
    let declared = ask(
        at,
        "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2001\r\n\r\n"
            .to_owned(),
    )
    .await;
    assert!(
        declared.starts_with("HTTP/1.1 413") && declared.contains("\"bytes_max\":2000"),
        "{declared}"
    );
    let body = "x".repeat(3000);
    let chunked = ask(at, format!("POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nbb8\r\n{body}\r\n0\r\n\r\n")).await;
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    let head = ask(
        at,
        format!(
            "GET /peer HTTP/1.1\r\nhost: a\r\nlong: {}\r\n\r\n",
            "x".repeat(20_000)
        ),
    )
    .await;
    assert!(
        head.starts_with("HTTP/1.1 431") && head.contains("\"code\":\"head-too-large\""),
        "{head}"
    );
    let address = format!("/peer?{}", "ente=c_d612&".repeat(2_000));
    let address = ask(at, get_of(&address)).await;
    assert!(
        address.starts_with("HTTP/1.1 431") && address.contains("the address has 24006 bytes"),
        "{address}"
    );

    let slow = tokio::spawn(ask(at, get_of("/slow")));
    served.begun.notified().await;
    let busy = ask(at, get_of("/peer")).await;
    assert!(
        busy.starts_with("HTTP/1.1 503") && busy.contains("retry-after: 1"),
        "{busy}"
    );
    let status = ask(at, get_of("/status")).await;
    assert!(
        status.starts_with("HTTP/1.1 503") && status.contains("no database"),
        "{status}"
    );
    served.go_on.notify_one();
    slow.await.unwrap();
    let peer = ask(at, get_of("/peer")).await;
    assert!(peer.ends_with("127.0.0.1"), "{peer}");
    let metrics = ask(at, get_of("/metrics")).await;
    assert!(
        metrics.contains(
            "affluenza_http_requests_total{method=\"GET\",route=\"/peer\",status=\"200\"} 1"
        ),
        "{metrics}"
    );
    served.stop.cancel();
    served.ended.await.unwrap();
}

/// Sends a whole request before reading, as most clients do, and reads one response.
async fn send_then_read(stream: &mut TcpStream, head: &str, body: &[u8]) -> String {
    let request = format!("{head}\r\nhost: a\r\n");
    let length = format!("content-length: {}\r\n\r\n", body.len());
    for part in [request.as_bytes(), length.as_bytes(), body] {
        stream.write_all(part).await.expect("it is taken");
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let read = stream.read_buf(&mut answer).await.expect("it is answered");
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_leaves_its_answer_readable() {
    let config = Config {
        body_bytes_max: 2000,
        ..Config::default()
    };
    let served = served(config).await;
    let body = vec![b'x'; 8 << 20];
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    for (head, status) in [
        ("POST /echo HTTP/1.1", "413"),
        ("POST /nowhere HTTP/1.1", "413"),
    ] {
        let answer = send_then_read(&mut stream, head, &body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    // A body within the limit that no route reads.
    let answer = send_then_read(&mut stream, "POST /nowhere HTTP/1.1", &body[..2000]).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    // A request with `Expect: 100-continue` is answered without its body.
    let waiting =
        "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2001\r\n\r\n";
    let answer = ask(served.address, waiting.to_owned()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    served.stop.cancel();
    served.ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_requests_time_out() {
    let config = Config {
        request_seconds_max: 1,
        drain_seconds_max: 0,
        ..Config::default()
    };
    let served = served(config).await;
    let began = std::time::Instant::now();
    let late = ask(served.address, get_of("/slow")).await;
    assert!(
        late.starts_with("HTTP/1.1 503") && late.contains("within 1 s"),
        "{late}"
    );
    assert!(began.elapsed() >= Duration::from_secs(1));
    // Wait for each notification, as two unreceived ones would count as one.
    served.begun.notified().await;
    let slow = tokio::spawn(ask(served.address, get_of("/slow")));
    served.begun.notified().await;
    served.stop.cancel();
    served.ended.await.unwrap();
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_boards_name_metrics_that_a_scrape_has() {
    let served = served(Config::default()).await;
    // Metrics with labels exist from the first request on.
    ask(served.address, get_of("/status")).await;
    let scrape = ask(served.address, get_of("/metrics")).await;
    let alerts = include_str!("../../../deploy/prometheus/alerts.yaml");
    let board = include_str!("../../../deploy/grafana/http.json");
    for (file, text) in [("alerts.yaml", alerts), ("http.json", board)] {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        // Metrics of the single services are checked in the tests of these services.
        let names: Vec<&str> = words
            .filter(|word| word.starts_with("affluenza_http_"))
            // Only a service with a certificate has these; the test of TLS checks them.
            .filter(|word| !word.starts_with("affluenza_http_certificate_"))
            .collect();
        assert!(names.len() > 5, "{file}: {names:?}");
        for name in names {
            let has =
                scrape.contains(&format!("\n{name}{{")) || scrape.contains(&format!("\n{name} "));
            assert!(has, "{file} names {name}, which is not in:\n{scrape}");
        }
    }
}
