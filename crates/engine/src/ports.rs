//! Ports on the loopback interface.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::{Engine, EngineError};

/// How often a start is tried again when somebody else took a free port
/// between our choosing it and the engine's binding it.
pub(crate) const ATTEMPTS: u32 = 5;

/// The wanted port if it is free now, or any free one.
///
/// Nothing keeps it for us after that: whoever binds it must be ready to fail.
pub(crate) fn choose(engine: Engine, wanted: Option<u16>) -> Result<u16, EngineError> {
    // std sets SO_REUSEADDR, as Kafka and ClickHouse do, so that connections which
    // linger from an earlier run do not count as "taken".
    match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted.unwrap_or(0))) {
        Ok(listener) => listener
            .local_addr()
            .map(|address| address.port())
            .map_err(|cause| EngineError::Io {
                path: "127.0.0.1".into(),
                cause,
            }),
        Err(cause) => Err(match (cause.kind(), wanted) {
            (io::ErrorKind::AddrInUse, Some(port)) => EngineError::PortTaken { engine, port },
            (io::ErrorKind::PermissionDenied, Some(port)) => EngineError::Setting {
                what: "a port",
                value: port.to_string(),
                mend: "this user may not bind it, choose one above 1023",
            },
            _ => EngineError::Io {
                path: "127.0.0.1".into(),
                cause,
            },
        }),
    }
}

/// What a look at an engine's port found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The engine answers as it should.
    Right,
    /// Connections are refused: the port is closed.
    Refused,
    /// The port is open, and no right answer came in time.
    None,
}

/// Longest wait for a connection on the loopback interface.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Looks once at a port. `question` is the engine's own one, and its `Some` the right answer.
pub(crate) async fn look(port: u16, question: impl Future<Output = Option<()>>) -> Answer {
    let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    match tokio::time::timeout(CONNECT_MAX, connecting).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Answer::Refused,
        Ok(Ok(_)) if question.await.is_some() => Answer::Right,
        _ => Answer::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_and_a_free_one_is_found() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let refused = choose(Engine::Kafka, Some(port)).unwrap_err();
        assert!(matches!(refused, EngineError::PortTaken { port: taken, .. } if taken == port));
        assert_ne!(choose(Engine::Kafka, None).unwrap(), port);
    }
}
