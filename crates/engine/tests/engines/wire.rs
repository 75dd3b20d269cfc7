//! Minimal clients of the two protocols.

use std::io::{Read, Write};
use std::net::TcpStream;

use affluenza_engine::{ClickHouse, Kafka};

const CREATE_TOPICS: i16 = 19;
const METADATA: i16 = 3;

/// Creates a topic with one partition and returns Kafka's error code.
pub fn create_topic(kafka: &Kafka, name: &str) -> i16 {
    let mut body = 1i32.to_be_bytes().to_vec();
    put_string(&mut body, name);
    body.extend(1i32.to_be_bytes());
    body.extend(1i16.to_be_bytes());
    // No explicit assignments, no configuration, a timeout of ten seconds, no dry run.
    body.extend(0i32.to_be_bytes());
    body.extend(0i32.to_be_bytes());
    body.extend(10_000i32.to_be_bytes());
    body.push(0);
    let answer = kafka_exchange(kafka, CREATE_TOPICS, 2, &body);
    // Correlation id, throttle time and count precede the topic's name and error.
    i16::from_be_bytes(answer[12 + 2 + name.len()..][..2].try_into().unwrap())
}

/// True if the cluster has a topic of this name.
pub fn has_topic(kafka: &Kafka, name: &str) -> bool {
    let mut all = Vec::new();
    all.extend((-1i32).to_be_bytes());
    let answer = kafka_exchange(kafka, METADATA, 2, &all);
    answer
        .windows(name.len())
        .any(|window| window == name.as_bytes())
}

fn kafka_exchange(kafka: &Kafka, api: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(api.to_be_bytes());
    message.extend(version.to_be_bytes());
    message.extend(7i32.to_be_bytes());
    put_string(&mut message, "test");
    message.extend(body);
    let mut stream = TcpStream::connect(kafka.bootstrap()).unwrap();
    stream
        .write_all(&i32::try_from(message.len()).unwrap().to_be_bytes())
        .unwrap();
    stream.write_all(&message).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

fn put_string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(i16::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.as_bytes());
}

/// Returns ClickHouse's response to a query, including errors.
pub fn ask(clickhouse: &ClickHouse, query: &str) -> String {
    ask_as(clickhouse, clickhouse.user(), clickhouse.password(), query)
}

/// Sends a query as the engine's user to an address where perhaps nothing listens.
pub fn try_ask(address: &str, password: &str, query: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = query.len();
    let request = format!(
        "POST / HTTP/1.0\r\nX-ClickHouse-User: affluenza\r\nX-ClickHouse-Key: {password}\r\n\
         Content-Length: {length}\r\n\r\n{query}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Same as `ask`, as another user.
pub fn ask_as(clickhouse: &ClickHouse, user: &str, password: &str, query: &str) -> String {
    let url = clickhouse.http_url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let length = query.len();
    let request = format!(
        "POST /?session_id={user} HTTP/1.0\r\nX-ClickHouse-User: {user}\r\n\
         X-ClickHouse-Key: {password}\r\nContent-Length: {length}\r\n\r\n{query}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.trim().to_owned()
}
