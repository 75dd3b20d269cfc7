//! TLS for [`crate::wire`], configured by librdkafka's properties.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Config;
use crate::secured::{Stream, unsupported};

/// Properties about certificates that are not implemented here, each with its only accepted value.
const UNSUPPORTED: [(&str, &str); 5] = [
    ("enable.ssl.certificate.verification", "true"),
    ("ssl.endpoint.identification.algorithm", "https"),
    ("ssl.key.password", ""),
    ("ssl.keystore.location", ""),
    ("ssl.crl.location", ""),
];

/// Encrypts a connection to `host`.
pub(crate) fn encrypt(
    stream: TcpStream,
    host: &str,
    config: &Config,
) -> io::Result<Box<dyn Stream>> {
    for (name, usual) in UNSUPPORTED {
        match config.property(name) {
            Some(value) if value != usual => return Err(unsupported(name, "…")),
            _ => {}
        }
    }
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let client = Arc::new(client(config)?);
    let connection = ClientConnection::new(client, name).map_err(io::Error::other)?;
    Ok(Box::new(StreamOwned::new(connection, stream)))
}

fn client(config: &Config) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots(config)?);
    let own = pem(config, "ssl.certificate")?.zip(pem(config, "ssl.key")?);
    let Some((certificate, key)) = own else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(io::Error::other)?;
    builder
        .with_client_auth_cert(chain.map_err(io::Error::other)?, key)
        .map_err(io::Error::other)
}

/// Loads the trusted authorities of the configuration, or those of the system.
fn roots(config: &Config) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let certificates = match pem(config, "ssl.ca")? {
        Some(pem) => CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(io::Error::other)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(certificates);
    Ok(roots)
}

/// Returns the content of the property `NAME.pem`, or of the file that `NAME.location` names.
fn pem(config: &Config, name: &str) -> io::Result<Option<Vec<u8>>> {
    if let Some(text) = config.property(&format!("{name}.pem")) {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    let location = config.property(&format!("{name}.location"));
    location
        .filter(|path| *path != "probe")
        .map(std::fs::read)
        .transpose()
}
