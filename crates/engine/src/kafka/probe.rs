//! Checks the readiness of a broker over the Kafka protocol.
//!
//! The request is Metadata, version 2, for no topics. The response names the cluster and lists the
//! brokers that are registered and *unfenced*: the controller places new partitions on them. Topics
//! can be created once our broker is in that list of our cluster.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const METADATA: i16 = 3;
const VERSION: i16 = 2;
const CORRELATION: i32 = 0x0AFF;
const CLIENT: &str = "affluenza-engine";
/// Timeout of one request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Maximum response size. The response of a single node has some hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// True if the broker on this port belongs to this cluster and accepts partitions. Any error counts
/// as false; the caller retries.
pub(super) async fn is_ready(port: u16, cluster: &str) -> bool {
    let answer = tokio::time::timeout(PATIENCE, ask(port)).await;
    matches!(answer, Ok(Some(answer)) if lists(&answer, port, cluster).unwrap_or(false))
}

async fn ask(port: u16) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(&question()).await.ok()?;
    let length = usize::try_from(stream.read_i32().await.ok()?).ok()?;
    let mut answer = vec![0; (length <= ANSWER_BYTES_MAX).then_some(length)?];
    stream.read_exact(&mut answer).await.ok()?;
    Some(answer)
}

fn question() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(METADATA.to_be_bytes());
    body.extend(VERSION.to_be_bytes());
    body.extend(CORRELATION.to_be_bytes());
    body.extend((CLIENT.len() as i16).to_be_bytes());
    body.extend(CLIENT.as_bytes());
    // An empty topic list means none; a null list would mean all.
    body.extend(0i32.to_be_bytes());
    let mut message = (body.len() as i32).to_be_bytes().to_vec();
    message.extend(body);
    message
}

/// Returns true if the response lists a broker on this port in this cluster, and `None` if the
/// response is invalid.
fn lists(answer: &[u8], port: u16, cluster: &str) -> Option<bool> {
    let mut reader = ByteReader(answer);
    if reader.int32()? != CORRELATION {
        return None;
    }
    let mut found = false;
    for _ in 0..reader.int32()? {
        let _node = reader.int32()?;
        let _host = reader.string()?;
        found |= reader.int32()? == i32::from(port);
        let _rack = reader.string()?;
    }
    Some(found && reader.string()? == cluster.as_bytes())
}

/// Reader for the protocol's big-endian numbers and length-prefixed strings.
struct ByteReader<'a>(&'a [u8]);

impl<'a> ByteReader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn int32(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    /// Reads a string; null reads as empty.
    fn string(&mut self) -> Option<&'a [u8]> {
        let length = i16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::try_from(length).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(port: i32, cluster: &str) -> Vec<u8> {
        let mut answer = CORRELATION.to_be_bytes().to_vec();
        answer.extend(1i32.to_be_bytes());
        answer.extend(1i32.to_be_bytes());
        answer.extend(9i16.to_be_bytes());
        answer.extend(b"127.0.0.1");
        answer.extend(port.to_be_bytes());
        answer.extend((-1i16).to_be_bytes());
        answer.extend((cluster.len() as i16).to_be_bytes());
        answer.extend(cluster.as_bytes());
        answer
    }

    #[test]
    fn only_our_broker_in_our_cluster_counts() {
        assert_eq!(lists(&answer(9092, "us"), 9092, "us"), Some(true));
        assert_eq!(lists(&answer(9092, "us"), 9093, "us"), Some(false));
        assert_eq!(lists(&answer(9092, "them"), 9092, "us"), Some(false));
        assert_eq!(lists(&answer(9092, "us")[..20], 9092, "us"), None);
        assert_eq!(lists(b"HTTP/1.1 400 Bad Request", 9092, "us"), None);
    }
}
