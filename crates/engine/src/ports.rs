//! Ports on the loopback interface.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::folder::DataDir;
use crate::{Engine, EngineError};

/// Maximum number of start attempts if another program takes the chosen port before the engine
/// binds it.
const ATTEMPTS: u32 = 5;
/// Log message of both engines for a port in use.
const PORT_TAKEN: &str = "Address already in use";

/// First port and number of the ports that are chosen, below the ephemeral range of Linux.
const CHOSEN: (u16, u16) = (20_000, 12_000);
/// Number of ports tried before any free port is taken.
const TRIES: usize = 32;

/// Counts a failed start. Returns an error unless another program took the port between the choice
/// and the bind, and attempts are left.
pub(crate) fn try_again(
    attempts: &mut u32,
    error: EngineError,
    folder: &DataDir,
) -> Result<(), EngineError> {
    *attempts += 1;
    match error {
        EngineError::Exited(exit) if exit.said(PORT_TAKEN) && *attempts < ATTEMPTS => Ok(()),
        EngineError::Exited(exit) if exit.said(PORT_TAKEN) => Err(EngineError::NoFreePort {
            engine: exit.engine,
            attempts: ATTEMPTS,
        }),
        EngineError::Exited(exit) => Err(exit.explain(folder.path())),
        other => Err(other),
    }
}

/// Returns the wanted port if it is free, or a free port.
///
/// The port is not reserved, so the later bind may still fail.
pub(crate) fn choose(engine: Engine, wanted: Option<u16>) -> Result<u16, EngineError> {
    match (wanted, lasting_port()) {
        (None, Some(port)) => Ok(port),
        _ => bind(engine, wanted),
    }
}

/// Returns a free port outside the ephemeral range. While an engine is restarted, its clients keep
/// connecting, and an ephemeral port of the engine could become the port of such a connection.
/// `None` if many ports are taken.
#[must_use]
pub fn lasting_port() -> Option<u16> {
    let (first, count) = CHOSEN;
    std::iter::repeat_with(|| first + u16::from_le_bytes(crate::random::<2>()) % count)
        .take(TRIES)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

fn bind(engine: Engine, wanted: Option<u16>) -> Result<u16, EngineError> {
    // std sets SO_REUSEADDR, like Kafka and ClickHouse, so that lingering connections of an earlier
    // run do not count as taken.
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

/// Result of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthAnswer {
    /// The engine gives a valid answer.
    Right,
    /// The port is closed and refuses connections.
    Refused,
    /// The port is open, but no valid answer came in time.
    None,
}

/// Timeout of a connection on the loopback interface.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Checks a port once. `question` is an engine-specific request; true means a valid answer.
pub(crate) async fn look(port: u16, question: impl Future<Output = bool>) -> HealthAnswer {
    let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    match tokio::time::timeout(CONNECT_MAX, connecting).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => HealthAnswer::Refused,
        Ok(Ok(_)) if question.await => HealthAnswer::Right,
        _ => HealthAnswer::None,
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
