//! TLS of a service, with certificate and key from files. Only in builds with the feature `tls`.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::Config;

/// A connection, whatever carries it.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Takes connections up: as they are, or through a handshake.
#[derive(Clone)]
pub(crate) struct Acceptor {
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
}

impl Acceptor {
    /// Reads the files that `config` names, if it names any.
    pub(crate) fn new(config: &Config) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        return Ok(Self {
            tls: config.has_tls().then(|| acceptor(config)).transpose()?,
        });
        #[cfg(not(feature = "tls"))]
        if config.has_tls() {
            return Err(io::Error::other(crate::config::BUILT_WITHOUT_TLS));
        }
        #[cfg(not(feature = "tls"))]
        Ok(Self {})
    }

    /// The connection that requests come through.
    #[cfg_attr(
        not(feature = "tls"),
        expect(
            clippy::unused_async,
            reason = "a handshake takes time, where there is one"
        )
    )]
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<Box<dyn Wire>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Ok(Box::new(tls.accept(stream).await?));
        }
        Ok(Box::new(stream))
    }
}

#[cfg(feature = "tls")]
fn acceptor(config: &Config) -> io::Result<tokio_rustls::TlsAcceptor> {
    use std::path::Path;
    use std::sync::Arc;

    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

    fn wrong<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> io::Error {
        move |error| io::Error::other(format!("{}: {error}", path.display()))
    }
    let (certificate, key) = (&config.tls_certificate, &config.tls_key);
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(wrong(certificate))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(wrong(key))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(wrong(certificate))?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(server)))
}
