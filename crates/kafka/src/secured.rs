//! Connection to a broker for [`crate::wire`]: plain or TLS, with an optional SASL login.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::Config;
use crate::wire::{ApiKey, BrokerAnswer, BrokerConnection, Request};

/// Byte stream to a broker.
pub(crate) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// Error for a setting that librdkafka supports and this module does not.
pub(crate) fn unsupported(what: &str, value: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("{what} = {value} is not supported there"),
    )
}

fn protocol(config: &Config) -> String {
    let protocol = config.property("security.protocol");
    protocol.unwrap_or("plaintext").to_ascii_lowercase()
}

/// Wraps the stream in TLS if the configuration requires it.
pub(crate) fn secure(
    stream: TcpStream,
    host: &str,
    config: &Config,
) -> io::Result<Box<dyn Stream>> {
    match &*protocol(config) {
        "plaintext" | "sasl_plaintext" => Ok(Box::new(stream)),
        #[cfg(feature = "tls")]
        "ssl" | "sasl_ssl" => crate::tls::encrypt(stream, host, config),
        other => {
            let _ = host;
            Err(unsupported("security.protocol", other))
        }
    }
}

/// Logs in if the protocol is SASL.
pub(crate) fn log_in(connection: &mut BrokerConnection, config: &Config) -> io::Result<()> {
    if !protocol(config).starts_with("sasl") {
        return Ok(());
    }
    let mechanism = config.property("sasl.mechanism");
    let mechanism = mechanism.or_else(|| config.property("sasl.mechanisms"));
    let mechanism = mechanism.unwrap_or("GSSAPI");
    let answer = connection.ask(ApiKey::SaslHandshake, &Request::default().text(mechanism))?;
    accept(
        BrokerAnswer(&answer).i16()?,
        "the broker does not know the mechanism",
    )?;
    let user = config.property("sasl.username").unwrap_or_default();
    let password = config.property("sasl.password").unwrap_or_default();
    match mechanism {
        "PLAIN" => authenticate(connection, &format!("\0{user}\0{password}")).map(drop),
        #[cfg(feature = "tls")]
        "SCRAM-SHA-256" | "SCRAM-SHA-512" => {
            crate::scram::log_in(connection, mechanism, user, password)
        }
        other => Err(unsupported("sasl.mechanism", other)),
    }
}

/// Sends one message of a login and returns the broker's answer.
pub(crate) fn authenticate(
    connection: &mut BrokerConnection,
    message: &str,
) -> io::Result<Vec<u8>> {
    let request = Request::default().bytes(message.as_bytes());
    let answer = connection.ask(ApiKey::SaslAuthenticate, &request)?;
    let mut answer = BrokerAnswer(&answer);
    let code = answer.i16()?;
    accept(code, &answer.text()?)?;
    Ok(answer.bytes()?.to_vec())
}

fn accept(code: i16, said: &str) -> io::Result<()> {
    match code {
        0 => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::PermissionDenied, said)),
    }
}
