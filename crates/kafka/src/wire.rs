//! Kafka's own protocol, for facts that librdkafka does not expose: control batches, aborted
//! transactions, and the owner of an open transaction. The request versions work with brokers from
//! 2.1 on.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::Config;
use crate::secured::{Stream, secure};

/// Timeout of a read or a write.
const PATIENCE: Duration = Duration::from_secs(20);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Limit of an answer. A batch of records has up to a megabyte by default and comes whole.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;
const CLIENT: &str = "affluenza";

/// Request type of the protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ApiKey {
    Fetch,
    Metadata,
    SaslHandshake,
    SaslAuthenticate,
    ListTransactions,
}

impl ApiKey {
    /// Returns the API key and the version.
    const fn code(self) -> (i16, i16) {
        match self {
            // First version that returns zstd batches.
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

/// Body of a request under construction.
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

/// Answer of a broker, parsed from front to back.
pub(crate) struct BrokerAnswer<'a>(pub(crate) &'a [u8]);

impl<'a> BrokerAnswer<'a> {
    pub(crate) fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let Some((taken, rest)) = self.0.split_at_checked(count) else {
            let cause = "the answer is truncated";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cause));
        };
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

    /// Reads the number of entries that follow; 0 for a null list.
    pub(crate) fn count(&mut self) -> io::Result<usize> {
        Ok(usize::try_from(self.i32()?).unwrap_or(0))
    }

    /// Reads a string; empty for null.
    pub(crate) fn text(&mut self) -> io::Result<String> {
        let bytes = usize::try_from(self.i16()?).unwrap_or(0);
        Ok(String::from_utf8_lossy(self.take(bytes)?).into_owned())
    }

    /// Reads a byte array; empty for null.
    pub(crate) fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let bytes = self.count()?;
        self.take(bytes)
    }

    /// Reads an unsigned varint, as used by versions with tagged fields.
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

    /// Reads the number of entries that follow, in versions with tagged fields.
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

/// Connection to one broker, with one request at a time.
pub(crate) struct BrokerConnection {
    stream: Box<dyn Stream>,
    asked: i32,
}

impl BrokerConnection {
    /// Connects to `address` (`host:port`) and logs in as configured.
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

    /// Sends a request and returns the body of the answer.
    pub(crate) fn ask(&mut self, api: ApiKey, request: &Request) -> io::Result<Vec<u8>> {
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
        let mut answer = BrokerAnswer(&body);
        if answer.i32()? != self.asked {
            return Err(io::Error::other("the answer belongs to another request"));
        }
        if api.is_flexible() {
            answer.skip_tags()?;
        }
        Ok(answer.0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_answer_is_an_error_and_no_panic() {
        let whole = Request::default().i32(1).text("topic").bytes(&[1, 2, 3]).0;
        let read = |bytes: &[u8]| {
            let mut answer = BrokerAnswer(bytes);
            Ok::<_, io::Error>((answer.i32()?, answer.text()?, answer.bytes()?.len()))
        };
        assert_eq!(read(&whole).unwrap(), (1, "topic".to_owned(), 3));
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
