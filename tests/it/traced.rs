//! OpenTelemetry traces, from the request of a portal to the block that contains its events.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::collect::client::{Client, Collector, event, key};
use crate::support::{Engines, eventually};

/// Two traces that began at a portal: one that is sampled, one that is not.
const SENT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NOT_SENT: &str = "5bf92f3577b34da6a3ce929d0e0e4736";

/// Receives OTLP over HTTP during the test.
fn receiver() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let taken = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&taken);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let all = Arc::clone(&all);
            std::thread::spawn(move || while take(&connection, &all).is_some() {});
        }
    });
    (format!("http://{address}/v1/traces"), taken)
}

/// Reads one request; returns `None` at the end of the connection.
fn take(mut connection: &TcpStream, all: &Mutex<Vec<u8>>) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    all.lock().expect("no thread panics").extend(body);
    connection
        .write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n",
        )
        .ok()
}

fn times(all: &[u8], part: &[u8]) -> usize {
    all.windows(part.len())
        .filter(|window| *window == part)
        .count()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digits).collect()
}

pub fn a_request_is_followed_to_its_block(engines: &Engines) {
    let place = engines.place("traced");
    let (endpoint, taken) = receiver();
    let settings = [
        ("AFFLUENZA__TRACE__ENDPOINT", &*endpoint),
        ("AFFLUENZA__TRACE__SHARE", "0.0"),
    ];
    place.run(&["migrate"]);
    let key = key(&place, &[]);
    let collector = Collector::start(&place, "collect.log", &settings);
    let mut client = Client::connect(&collector.address).expect("it listens");
    for (number, trace, flag) in [(1, SENT, "01"), (2, NOT_SENT, "00")] {
        let answer = client.ask(
            "POST /v1/events",
            &[
                ("Authorization", &format!("Bearer {key}")),
                ("Content-Type", "application/json"),
                (
                    "traceparent",
                    &format!("00-{trace}-00f067aa0ba902b7-{flag}"),
                ),
            ],
            event(number).as_bytes(),
        );
        assert_eq!(answer.expect("it answers").status, 202);
    }
    // Invented methods do not create new span names.
    let parent = format!("00-{SENT}-00f067aa0ba902b7-01");
    let answer = client.ask("BREW /v1/events", &[("traceparent", &parent)], b"");
    assert_eq!(answer.expect("it answers").status, 405);
    collector.running.terminate();
    let count = |part: &[u8]| times(&taken.lock().expect("no thread panics"), part);
    assert_eq!(count(b"POST /v1/events"), 1, "one of the two requests");
    assert_eq!((count(b"HTTP /v1/events"), count(b"BREW")), (1, 0));
    let consumer = place.spawn_with(&["consume"], "consumer.log", &settings);
    eventually("both are counted", || place.records_processed() == 2);
    consumer.terminate();
    assert_eq!(
        count(b"write block"),
        1,
        "the block with the request's record"
    );
    // Two requests, the block in the trace, and the block's link to the first request.
    assert_eq!(count(&bytes(SENT)), 4);
    assert_eq!(count(&bytes(NOT_SENT)), 0);
    for role in ["collect", "consume", "affluenza.stored"] {
        assert!(count(role.as_bytes()) > 0, "{role}");
    }
}
