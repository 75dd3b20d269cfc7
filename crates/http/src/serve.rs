use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::{CancellationToken, Metrics};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::Config;
use crate::tls::ConnectionAcceptor;

/// Timeout for the head of a request, including the idle time before it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
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
    let places = Arc::new(Semaphore::new(config.connections_max.max(1)));
    let graceful = GracefulShutdown::new();
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place.map_err(io::Error::other)?,
            () = stop.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Responses are small and must not wait for more data.
                let _ = stream.set_nodelay(true);
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new())
                    .header_read_timeout(HEAD_WITHIN)
                    .max_buf_size(config.head_bytes_max.max(8 << 10));
                let (router, acceptor) = (router.clone(), acceptor.clone());
                let watcher = graceful.watcher();
                tokio::spawn(async move {
                    // A client that disconnects is no reason for a warning.
                    match tokio::time::timeout(HEAD_WITHIN, acceptor.accept(stream)).await {
                        Ok(Ok(wire)) => answer(wire, router, Peer(peer), http, watcher).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                        Err(_) => tracing::debug!("a handshake took too long"),
                    }
                    drop(place);
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
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off: they took too long after the stop");
    }
    Ok(())
}

async fn answer(
    wire: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
    http: http1::Builder,
    watcher: Watcher,
) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(peer);
        let request = Request::from_parts(head, axum::body::Body::new(body));
        router.clone().oneshot(request)
    });
    let connection = http.serve_connection(TokioIo::new(wire), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection broke");
    }
}
