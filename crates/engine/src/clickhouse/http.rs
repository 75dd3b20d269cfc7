//! HTTP client for the two readiness checks of ClickHouse.
//!
//! HTTP/1.0, so that the response ends with the connection and is never chunked.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Timeout of one request.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// True if the HTTP interface of a ClickHouse answers on this port.
pub(super) async fn is_up(port: u16) -> bool {
    let body = exchange(port, "GET /ping HTTP/1.0\r\n\r\n".to_owned()).await;
    body.is_some_and(|body| body.trim() == "Ok.")
}

/// Runs a query as this user; `None` for any error.
pub(super) async fn query(port: u16, user: &str, password: &str, query: &str) -> Option<String> {
    let length = query.len();
    let request = format!(
        "POST / HTTP/1.0\r\nX-ClickHouse-User: {user}\r\nX-ClickHouse-Key: {password}\r\n\
         Content-Length: {length}\r\n\r\n{query}"
    );
    exchange(port, request).await
}

/// Sends a request and returns the body of a successful response.
async fn exchange(port: u16, request: String) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_string(&mut answer)
            .await
            .ok()?;
        Some(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.ok()??;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    (status == "200").then(|| body.to_owned())
}
