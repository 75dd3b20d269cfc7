//! TLS of a service, with certificate and key from files. Only in builds with the feature `tls`.

use std::io;
#[cfg(feature = "tls")]
use std::sync::Arc;

use crate::telemetry::{CancellationToken, Metrics};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::Config;
#[cfg(feature = "tls")]
use crate::certificate::Certificate;

/// Connection with or without TLS.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Accepts connections, with a TLS handshake if a certificate is configured.
#[derive(Clone)]
pub(crate) struct ConnectionAcceptor {
    #[cfg(feature = "tls")]
    certificate: Option<Arc<Certificate>>,
}

impl ConnectionAcceptor {
    /// Reads the configured files, if any, and reloads them when replaced until `stop` is set.
    #[cfg(feature = "tls")]
    pub(crate) fn new(
        config: &Config,
        metrics: &Metrics,
        stop: &CancellationToken,
    ) -> io::Result<Self> {
        if !config.has_tls() {
            return Ok(Self { certificate: None });
        }
        let certificate = Arc::new(Certificate::read(config, metrics)?);
        tokio::spawn(Arc::clone(&certificate).follow(stop.clone()));
        let certificate = Some(certificate);
        Ok(Self { certificate })
    }

    /// Returns an error if TLS is configured.
    #[cfg(not(feature = "tls"))]
    pub(crate) fn new(config: &Config, _: &Metrics, _: &CancellationToken) -> io::Result<Self> {
        if config.has_tls() {
            return Err(io::Error::other(crate::config::BUILT_WITHOUT_TLS));
        }
        Ok(Self {})
    }

    /// Returns the connection after the handshake, if there is one.
    #[cfg_attr(
        not(feature = "tls"),
        expect(
            clippy::unused_async,
            reason = "a handshake takes time on TLS connections"
        )
    )]
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<Box<dyn Wire>> {
        #[cfg(feature = "tls")]
        if let Some(certificate) = &self.certificate {
            return Ok(Box::new(certificate.acceptor().accept(stream).await?));
        }
        Ok(Box::new(stream))
    }
}
