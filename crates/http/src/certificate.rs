//! Certificate and key of a service, read from files and read again when these are replaced.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crate::telemetry::{CancellationToken, Files, Metrics};
use prometheus_client::metrics::gauge::Gauge;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Config;

/// Current certificate of a service, with its metrics.
pub(crate) struct Certificate {
    config: Config,
    current: RwLock<TlsAcceptor>,
    expiry: Gauge,
    refused: Gauge,
}

/// Content of the files.
struct Loaded {
    acceptor: TlsAcceptor,
    /// Earliest expiry in the chain, in seconds since 1970.
    expiry: i64,
}

impl Certificate {
    /// Reads the files of `config`.
    pub(crate) fn read(config: &Config, metrics: &Metrics) -> io::Result<Self> {
        let loaded = load(config)?;
        if loaded.has_expired() {
            let file = config.tls_certificate.display();
            tracing::error!(%file, "the certificate has expired");
        }
        let certificate = Self {
            config: config.clone(),
            current: RwLock::new(loaded.acceptor),
            expiry: metrics.register(
                "http_certificate_expiry_timestamp_seconds",
                "Expiry of the active certificate, in seconds since 1970",
                Gauge::default(),
            ),
            refused: metrics.register(
                "http_certificate_refused",
                "1 while a replaced certificate cannot be used and the old one stays active, else 0",
                Gauge::default(),
            ),
        };
        certificate.expiry.set(loaded.expiry);
        Ok(certificate)
    }

    /// Returns the acceptor for the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reloads the files when they are replaced, until `stop` is set. Files that cannot be used
    /// leave the old certificate in use.
    pub(crate) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let config = &self.config;
        let mut files = Files::new([config.tls_certificate.clone(), config.tls_key.clone()]);
        while files.were_replaced(&stop).await {
            self.renew();
        }
    }

    fn renew(&self) {
        let loaded = load(&self.config).and_then(|loaded| match loaded.has_expired() {
            false => Ok(loaded),
            true => Err(wrong(&self.config.tls_certificate, "it has expired")),
        });
        match loaded {
            Ok(loaded) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded.acceptor;
                self.expiry.set(loaded.expiry);
                self.refused.set(0);
                tracing::info!("a replaced certificate is active");
            }
            Err(error) => {
                self.refused.set(1);
                tracing::error!(
                    %error,
                    "a replaced certificate cannot be used: the old one stays active"
                );
            }
        }
    }
}

impl Loaded {
    fn has_expired(&self) -> bool {
        self.expiry <= jiff::Timestamp::now().as_second()
    }
}

fn wrong(path: &Path, error: impl Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

fn load(config: &Config) -> io::Result<Loaded> {
    let (certificate, key) = (&config.tls_certificate, &config.tls_key);
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(certificate, error))?;
    let expiry = expiry(&chain).map_err(|error| wrong(certificate, error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => wrong(key, "it holds no private key in PEM"),
        other => wrong(key, other),
    })?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| {
            let error = format!("with the key {}: {error}", key.display());
            wrong(certificate, error)
        })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded {
        acceptor: TlsAcceptor::from(Arc::new(server)),
        expiry,
    })
}

/// Returns the earliest expiry in a chain, in seconds since 1970.
fn expiry(chain: &[CertificateDer<'_>]) -> Result<i64, String> {
    let mut first: Option<i64> = None;
    for certificate in chain {
        let (_, read) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|error| format!("it holds no certificate that can be read: {error}"))?;
        let expiry = read.validity().not_after.timestamp();
        first = Some(first.map_or(expiry, |first| first.min(expiry)));
    }
    first.ok_or_else(|| "it holds no certificate in PEM".to_owned())
}
