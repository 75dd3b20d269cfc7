use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::{CancellationToken, Metrics};
use axum::Router;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderValue, Version};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::address::is_trusted;
use crate::connections::{Connection, Connections};
use crate::limit::bucket_of;
use crate::sending::{Sending, SendingWire};
use crate::tls::ConnectionAcceptor;
use crate::{Config, Problem};

/// Timeout for the head of a request, including the idle time before it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Size of the buffer of a connection, as a multiple of the largest head. hyper refuses a head that does
/// not fit without a text; a smaller one has an answer with the limit.
const HEAD_BUFFER: usize = 4;
/// Time for a connection to end that is closed for another one.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Pause after a connection could not be accepted, for example for lack of file handles.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Address of the connection's peer; an extension of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Binds an address, such as `127.0.0.1:8080`.
///
/// # Errors
/// Returns an error that names the address if it is in use or not local.
pub async fn listen(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("{address} cannot be listened on: {error}"),
        )
    })
}

/// Answers requests until `stop` is set. Then drains: running requests may take `drain_seconds_max`
/// to end. Speaks HTTP/1.1, with TLS if a certificate is configured; a replaced certificate is
/// reloaded. HTTP/2 needs a reverse proxy in front.
///
/// # Errors
/// Returns an error if certificate or key cannot be used. A failing connection affects its client
/// only.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &Config,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> io::Result<()> {
    let acceptor = ConnectionAcceptor::new(config, metrics, stop)?;
    let places = u32::try_from(config.connections_max.max(1)).unwrap_or(u32::MAX);
    let connections = Connections::new(places, config.address_connections_max.max(1));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let address = peer.ip().to_canonical();
                let address =
                    (!is_trusted(&address, &config.trusted_proxies)).then(|| bucket_of(address));
                let connection = tokio::select! {
                    connection = connections.admit(address) => connection,
                    () = stop.cancelled() => break,
                };
                let Some(connection) = connection else {
                    tracing::debug!("a connection was refused: its address has too many");
                    continue;
                };
                // Responses are small and must not wait for more data.
                let _ = stream.set_nodelay(true);
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new())
                    .header_read_timeout(HEAD_WITHIN)
                    .max_buf_size(HEAD_BUFFER * config.head_bytes_max.max(8 << 10));
                let client = Client {
                    router: router.clone(),
                    peer: Peer(peer),
                    connection,
                    stop: stop.clone(),
                };
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that disconnects is no reason for a warning.
                    match tokio::time::timeout(HEAD_WITHIN, acceptor.accept(stream)).await {
                        Ok(Ok(wire)) => client.answer(wire, http).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                        Err(_) => tracing::debug!("a handshake took too long"),
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    let drain = Duration::from_secs(config.drain_seconds_max);
    if tokio::time::timeout(drain, connections.ended())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off: they took too long after the stop");
    }
    Ok(())
}

/// A client with its connection.
struct Client {
    router: Router,
    peer: Peer,
    connection: Arc<Connection>,
    stop: CancellationToken,
}

impl Client {
    async fn answer(
        self,
        wire: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        http: http1::Builder,
    ) {
        let Self {
            router,
            peer,
            connection,
            stop,
        } = self;
        let counted = connection.clone();
        let sending = Sending::default();
        let wire = SendingWire::new(wire, sending.clone());
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(peer);
            let (router, busy) = (router.clone(), counted.begin());
            let sending = sending.clone();
            async move {
                let response = match check_host(&mut request) {
                    Ok(()) => router.oneshot(request).await,
                    Err(problem) => Ok(problem.into_response()),
                };
                sending.begin(busy);
                response
            }
        });
        let mut served = pin!(http.serve_connection(TokioIo::new(wire), service));
        // A request in progress is answered when the service stops.
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = stop.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
            () = connection.closed.cancelled() => {
                served.as_mut().graceful_shutdown();
                // It was idle: at most the head of a request had come, which may never be complete, or
                // its client has taken too long to read the answer.
                let closing = tokio::time::timeout(CLOSE_WITHIN, served).await;
                closing.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

/// Checks that an HTTP/1.1 request has one `Host`, which the host of an absolute target replaces (RFC
/// 9112, section 3.2). A proxy in front might believe another one.
fn check_host(request: &mut Request) -> Result<(), Problem> {
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        let detail = "a request of HTTP/1.1 has one Host header";
        return Err(Problem::parameter("Host", detail, &[]));
    }
    let target = request.uri().authority();
    if let Some(host) = target.and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// The client reads slower than the service writes, as on a slow network.
    #[tokio::test]
    async fn a_connection_is_busy_until_its_answer_is_sent() {
        const ANSWER: usize = 1 << 20;
        let answer = || async { vec![b'x'; ANSWER] };
        let connections = Connections::new(1, 10);
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let connection = connections.admit(address).await.expect("a place");
        let closed = connection.closed.clone();
        let client = Client {
            router: Router::new().route("/", axum::routing::get(answer)),
            peer: Peer(SocketAddr::from(([192, 0, 2, 1], 1))),
            connection,
            stop: CancellationToken::new(),
        };
        let (mut near, far) = tokio::io::duplex(1 << 10);
        let serving = tokio::spawn(client.answer(far, http1::Builder::new()));
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        near.write_all(request).await.expect("it is read");
        let mut begun = [0; 64];
        near.read_exact(&mut begun).await.expect("it is answered");

        // The other connection cannot close this one, whose answer is on its way.
        let mut waiting = pin!(connections.admit(address));
        let is_admitted = tokio::select! {
            biased;
            _ = &mut waiting => true,
            () = std::future::ready(()) => false,
        };
        assert!(!is_admitted && !closed.is_cancelled());
        let mut rest = vec![0; ANSWER - begun.len()];
        near.read_exact(&mut rest).await.expect("all is sent");
        assert!(waiting.await.is_some() && closed.is_cancelled());
        serving.await.expect("it ends");
    }

    #[tokio::test]
    async fn a_request_has_one_host() {
        let host = |headers: axum::http::HeaderMap| async move {
            headers[HOST].to_str().unwrap().to_owned()
        };
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nhost: a\r\n", "200"),
            ("GET / HTTP/1.1\r\n", "400"),
            ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n", "400"),
            ("GET http://b/ HTTP/1.1\r\nhost: a\r\n", "200"),
        ] {
            let client = Client {
                router: Router::new().route("/", axum::routing::get(host)),
                peer: Peer(SocketAddr::from(([192, 0, 2, 1], 1))),
                connection: Connections::new(1, 10).admit(None).await.unwrap(),
                stop: CancellationToken::new(),
            };
            let (mut near, far) = tokio::io::duplex(1 << 12);
            let serving = tokio::spawn(client.answer(far, http1::Builder::new()));
            let request = format!("{head}connection: close\r\n\r\n");
            near.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            near.read_to_string(&mut answer).await.unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {expected}")),
                "{answer}"
            );
            assert_eq!(
                answer.ends_with("\r\n\r\nb"),
                head.contains("//b"),
                "{answer}"
            );
            serving.await.unwrap();
        }
    }
}
