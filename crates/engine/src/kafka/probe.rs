//! Checks the readiness of a broker over the Kafka protocol.
//!
//! The response to a Metadata request names the cluster and lists the brokers that are registered
//! and *unfenced*: the controller places new partitions on them. Topics can be created once our
//! broker is in that list of our cluster.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Metadata request, version 2, correlation id 0x0AFF, for no topics: length, request, version,
/// correlation id, client id, and an empty list (a null list would mean all topics).
const QUESTION: &[u8] =
    b"\x00\x00\x00\x1E\x00\x03\x00\x02\x00\x00\x0A\xFF\x00\x10affluenza-engine\x00\x00\x00\x00";
/// Start of the response: the correlation id.
const ANSWER_START: &[u8] = b"\x00\x00\x0A\xFF";
/// Host of a broker in the response, with its length.
const HOST: &[u8] = b"\x00\x09127.0.0.1";
/// Timeout of one request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Maximum response size. The response of a single node has some hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// True if the broker on this port belongs to this cluster and accepts partitions. Any error counts
/// as false; the caller retries.
pub(super) async fn is_ready(port: u16, cluster: &str) -> bool {
    let answer = tokio::time::timeout(PATIENCE, ask(port)).await;
    matches!(answer, Ok(Some(answer)) if is_listed(&answer, port, cluster))
}

async fn ask(port: u16) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(QUESTION).await.ok()?;
    let length = usize::try_from(stream.read_i32().await.ok()?).ok()?;
    let mut answer = vec![0; (length <= ANSWER_BYTES_MAX).then_some(length)?];
    stream.read_exact(&mut answer).await.ok()?;
    Some(answer)
}

/// True if the response lists a broker on this port in this cluster. The address of a broker is its
/// host, then its port; the id of the cluster follows the brokers.
fn is_listed(answer: &[u8], port: u16, cluster: &str) -> bool {
    let address = [HOST, &i32::from(port).to_be_bytes()].concat();
    let mut places = answer.windows(address.len());
    let Some(place) = places.position(|place| place == address) else {
        return false;
    };
    let mut rest = answer[place + address.len()..].windows(cluster.len().max(1));
    answer.starts_with(ANSWER_START) && rest.any(|place| place == cluster.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(port: i32, cluster: &str) -> Vec<u8> {
        let mut answer = ANSWER_START.to_vec();
        // One broker, with node id 1 and without a rack.
        answer.extend(1i32.to_be_bytes());
        answer.extend(1i32.to_be_bytes());
        answer.extend(HOST);
        answer.extend(port.to_be_bytes());
        answer.extend((-1i16).to_be_bytes());
        answer.extend((cluster.len() as i16).to_be_bytes());
        answer.extend(cluster.as_bytes());
        answer
    }

    #[test]
    fn only_our_broker_in_our_cluster_counts() {
        assert!(is_listed(&answer(9092, "us"), 9092, "us"));
        assert!(!is_listed(&answer(9092, "us"), 9093, "us"));
        assert!(!is_listed(&answer(9092, "them"), 9092, "us"));
        assert!(!is_listed(&answer(9092, "us")[..20], 9092, "us"));
        assert!(!is_listed(b"HTTP/1.1 400 Bad Request", 9092, "us"));
        let length = i32::from_be_bytes(*QUESTION.first_chunk().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), QUESTION.len() - 4);
    }
}
