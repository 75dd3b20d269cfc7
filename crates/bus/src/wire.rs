//! Kafka's own protocol, as far as it answers what librdkafka keeps to itself: control batches,
//! aborted transactions, and who holds a transaction open. Requests are of versions that brokers
//! from 2.1 to today understand.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::secured::{Stream, secure};
use crate::{BusError, Config};

/// How long a broker may take to answer, or to take in a request.
const PATIENCE: Duration = Duration::from_secs(20);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Largest answer that is taken in. A batch of records has a megabyte by default, and comes whole.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;
const CLIENT: &str = "affluenza";

/// What is asked, by its number in the protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Api {
    Fetch,
    Metadata,
    SaslHandshake,
    SaslAuthenticate,
    ListTransactions,
}

impl Api {
    /// Number and version.
    const fn code(self) -> (i16, i16) {
        match self {
            // The first version that hands out zstd.
            Self::Fetch => (1, 10),
            Self::Metadata => (3, 1),
            Self::SaslHandshake => (17, 1),
            Self::SaslAuthenticate => (36, 0),
            Self::ListTransactions => (66, 0),
        }
    }

    /// True for versions whose headers carry tagged fields.
    const fn is_flexible(self) -> bool {
        matches!(self, Self::ListTransactions)
    }
}

/// A request in the making.
#[derive(Debug, Default)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    pub(crate) fn i8(mut self, value: i8) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn i16(mut self, value: i16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn i32(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn i64(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn text(mut self, value: &str) -> Self {
        self = self.i16(i16::try_from(value.len()).unwrap_or(i16::MAX));
        self.0.extend(value.as_bytes());
        self
    }

    pub(crate) fn bytes(mut self, value: &[u8]) -> Self {
        self = self.i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
        self.0.extend(value);
        self
    }
}

/// An answer, read from front to back.
pub(crate) struct Answer<'a>(pub(crate) &'a [u8]);

impl<'a> Answer<'a> {
    pub(crate) fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is cut");
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let taken = self.take(N)?;
        let mut array = [0; N];
        array.copy_from_slice(taken);
        Ok(array)
    }

    pub(crate) fn i8(&mut self) -> io::Result<i8> {
        self.array().map(i8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> io::Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> io::Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> io::Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// How many entries follow; none for an absent list.
    pub(crate) fn count(&mut self) -> io::Result<usize> {
        Ok(usize::try_from(self.i32()?).unwrap_or(0))
    }

    /// A text; empty for an absent one.
    pub(crate) fn text(&mut self) -> io::Result<String> {
        let bytes = usize::try_from(self.i16()?).unwrap_or(0);
        Ok(String::from_utf8_lossy(self.take(bytes)?).into_owned())
    }

    /// Bytes; none for absent ones.
    pub(crate) fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let bytes = self.count()?;
        self.take(bytes)
    }

    /// A number of the versions with tagged fields.
    pub(crate) fn varint(&mut self) -> io::Result<usize> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(io::Error::other("a number of the answer is too long"))
    }

    /// How many entries follow, in the versions with tagged fields.
    pub(crate) fn compact_count(&mut self) -> io::Result<usize> {
        Ok(self.varint()?.saturating_sub(1))
    }

    pub(crate) fn compact_text(&mut self) -> io::Result<String> {
        let bytes = self.compact_count()?;
        Ok(String::from_utf8_lossy(self.take(bytes)?).into_owned())
    }

    pub(crate) fn skip_tags(&mut self) -> io::Result<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let bytes = self.varint()?;
            self.take(bytes)?;
        }
        Ok(())
    }
}

/// A connection to one broker, one request at a time.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    asked: i32,
}

impl Connection {
    /// Connects to `address` (`host:port`) and logs in as `config` says.
    pub(crate) fn open(address: &str, config: &Config) -> io::Result<Self> {
        let mut failure = io::Error::other("the name has no address");
        for found in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&found, CONNECT_PATIENCE) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
                    let stream = secure(stream, host, config)?;
                    let mut connection = Self { stream, asked: 0 };
                    crate::secured::log_in(&mut connection, config)?;
                    return Ok(connection);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Sends a request and returns the body of its answer.
    pub(crate) fn ask(&mut self, api: Api, request: &Request) -> io::Result<Vec<u8>> {
        self.asked += 1;
        let (key, version) = api.code();
        let mut head = Request::default()
            .i16(key)
            .i16(version)
            .i32(self.asked)
            .text(CLIENT);
        if api.is_flexible() {
            head = head.i8(0);
        }
        let length = i32::try_from(head.0.len() + request.0.len()).map_err(io::Error::other)?;
        let sent = [&length.to_be_bytes(), &*head.0, &*request.0].concat();
        self.stream.write_all(&sent)?;
        self.stream.flush()?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
        if length > ANSWER_BYTES_MAX {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let mut answer = Answer(&body);
        if answer.i32()? != self.asked {
            return Err(io::Error::other("the answer to another question"));
        }
        if api.is_flexible() {
            answer.skip_tags()?;
        }
        Ok(answer.0.to_vec())
    }
}

/// Connections that are kept, and who leads which partition of the topic.
pub(crate) struct Brokers {
    config: Config,
    leaders: HashMap<i32, String>,
    /// Every broker of the cluster, as the last answer named them.
    all: Vec<String>,
    connections: HashMap<String, Connection>,
}

impl Brokers {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            leaders: HashMap::new(),
            all: Vec::new(),
            connections: HashMap::new(),
        }
    }

    /// Asks whoever leads `partition`. What was known of the cluster is forgotten after a failure.
    pub(crate) fn ask_leader<T>(
        &mut self,
        partition: i32,
        ask: impl Fn(&mut Connection) -> io::Result<T>,
    ) -> Result<T, BusError> {
        // A second time: a kept connection may have been closed, or the leader have changed.
        let first = self.try_leader(partition, &ask);
        first
            .or_else(|_| {
                self.forget();
                self.try_leader(partition, &ask)
            })
            .map_err(|error| {
                self.forget();
                self.failure(&error)
            })
    }

    fn try_leader<T>(
        &mut self,
        partition: i32,
        ask: &impl Fn(&mut Connection) -> io::Result<T>,
    ) -> io::Result<T> {
        if !self.leaders.contains_key(&partition) {
            self.look_round()?;
        }
        let nobody = || io::Error::other(format!("partition {partition} has no leader"));
        let leader = self.leaders.get(&partition).ok_or_else(nobody)?.clone();
        ask(self.connection(&leader)?)
    }

    /// Asks every broker, as far as each answers.
    pub(crate) fn ask_all<T>(&mut self, ask: impl Fn(&mut Connection) -> io::Result<T>) -> Vec<T> {
        let mut answers = Vec::new();
        for address in self.all.clone() {
            match self.connection(&address).and_then(&ask) {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    tracing::debug!(address, %error, "a broker was not asked");
                    self.connections.remove(&address);
                }
            }
        }
        answers
    }

    fn connection(&mut self, address: &str) -> io::Result<&mut Connection> {
        if !self.connections.contains_key(address) {
            let connection = Connection::open(address, &self.config)?;
            self.connections.insert(address.to_owned(), connection);
        }
        let gone = || io::Error::other("no connection");
        self.connections.get_mut(address).ok_or_else(gone)
    }

    fn forget(&mut self) {
        self.leaders.clear();
        self.connections.clear();
    }

    /// Asks the first broker that answers who leads what.
    fn look_round(&mut self) -> io::Result<()> {
        let mut failure = io::Error::other("no broker is configured");
        let addresses: Vec<String> = self
            .config
            .bootstrap_servers
            .split(',')
            .map(address_of)
            .collect();
        let request = Request::default().i32(1).text(&self.config.topic);
        for address in addresses {
            let answer = self
                .connection(&address)
                .and_then(|connection| connection.ask(Api::Metadata, &request));
            match answer.and_then(|answer| self.learn(Answer(&answer))) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    self.connections.remove(&address);
                    failure = error;
                }
            }
        }
        Err(failure)
    }

    fn learn(&mut self, mut answer: Answer<'_>) -> io::Result<()> {
        let mut nodes = HashMap::new();
        for _ in 0..answer.count()? {
            let (node, host, port) = (answer.i32()?, answer.text()?, answer.i32()?);
            answer.text()?;
            let address = match host.contains(':') {
                true => format!("[{host}]:{port}"),
                false => format!("{host}:{port}"),
            };
            nodes.insert(node, address);
        }
        answer.i32()?;
        self.all = nodes.values().cloned().collect();
        for _ in 0..answer.count()? {
            let (_, topic, _) = (answer.i16()?, answer.text()?, answer.i8()?);
            for _ in 0..answer.count()? {
                let (_, id, leader) = (answer.i16()?, answer.i32()?, answer.i32()?);
                for _ in 0..2 {
                    let replicas = answer.count()?;
                    answer.take(replicas * 4)?;
                }
                if let Some(address) = nodes.get(&leader)
                    && topic == self.config.topic
                {
                    self.leaders.insert(id, address.clone());
                }
            }
        }
        Ok(())
    }

    fn failure(&self, error: &io::Error) -> BusError {
        let (bootstrap_servers, cause) = (self.config.bootstrap_servers.clone(), error.to_string());
        match error.kind() {
            io::ErrorKind::Unsupported => BusError::NotInspected { cause },
            io::ErrorKind::PermissionDenied => BusError::Refused {
                bootstrap_servers,
                cause,
            },
            _ => BusError::Unreachable {
                bootstrap_servers,
                cause,
            },
        }
    }
}

/// `host:port` of a bootstrap server, which may name a protocol and leave out the usual port.
fn address_of(server: &str) -> String {
    let server = server.trim();
    let address = server.rsplit_once("://").map_or(server, |(_, rest)| rest);
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    match has_port {
        true => address.to_owned(),
        false => format!("{address}:9092"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_addresses() {
        assert_eq!(address_of(" SASL_SSL://kafka-1:9093"), "kafka-1:9093");
        assert_eq!(address_of("kafka-1"), "kafka-1:9092");
        assert_eq!(address_of("[::1]:19092"), "[::1]:19092");
    }

    #[test]
    fn a_cut_answer_is_an_error_and_no_panic() {
        let whole = Request::default().i32(1).text("topic").bytes(&[1, 2, 3]).0;
        let read = |bytes: &[u8]| {
            let mut answer = Answer(bytes);
            Ok::<_, io::Error>((answer.i32()?, answer.text()?, answer.bytes()?.len()))
        };
        assert_eq!(read(&whole).unwrap(), (1, "topic".to_owned(), 3));
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
