//! A running API, and a client with a persistent connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Place, Running, eventually};

/// Rate limits so high that they never answer instead of the service.
pub const LIFTED: &[(&str, &str)] = &[
    ("AFFLUENZA__SERVE__KEY_REQUESTS_PER_SECOND", "1000000"),
    ("AFFLUENZA__SERVE__KEY_REQUESTS_BURST", "1000000"),
];
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `affluenza serve`, stopped on drop.
pub struct Served {
    pub address: String,
    pub running: Running,
}

impl Served {
    pub fn start(place: &Place<'_>, name: &str, settings: &[(&str, &str)]) -> Self {
        let file = format!("{name}.log");
        // Log of an earlier run with the same data.
        let _ = std::fs::remove_file(place.folder.join(&file));
        let running = place.spawn_with(&["serve", "--listen", "127.0.0.1:0"], &file, settings);
        let mut address = None;
        eventually("the API says where it listens", || {
            let log = std::fs::read_to_string(place.folder.join(&file)).unwrap_or_default();
            address = log
                .split_once("listening on http://")
                .and_then(|(_, rest)| Some(rest.split_once(';')?.0.to_owned()));
            address.is_some()
        });
        Self {
            address: address.expect("it was found"),
            running,
        }
    }

    /// Opens a connection for one key.
    pub fn client(&self, key: &str) -> Client {
        self.connect(format!("Authorization: Bearer {key}\r\n"))
    }

    /// Opens a connection without a key.
    pub fn public(&self) -> Client {
        self.connect(String::new())
    }

    fn connect(&self, authorization: String) -> Client {
        let stream = TcpStream::connect(&self.address).expect("the API listens");
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
            .expect("a connection has options");
        Client {
            reader: BufReader::with_capacity(64 << 10, stream),
            authorization,
            body: Vec::new(),
        }
    }
}

pub struct Client {
    reader: BufReader<TcpStream>,
    /// Header line with the key, if any.
    authorization: String,
    body: Vec<u8>,
}

/// A response and the time until its end.
pub struct Reply {
    pub status: u16,
    pub etag: Option<String>,
    pub retry_after: Option<u64>,
    pub milliseconds: f64,
    /// Size of the body as sent.
    pub bytes: usize,
}

impl Client {
    /// Requests `path` below `/v1/` and waits for the complete response.
    pub fn ask(&mut self, path: &str, etag: Option<&str>) -> Reply {
        let known = etag.map_or_else(String::new, |etag| format!("If-None-Match: {etag}\r\n"));
        let request = format!(
            "GET /v1/{path} HTTP/1.1\r\nHost: api\r\n{}Accept-Encoding: gzip\r\n{known}\r\n",
            self.authorization
        );
        let began = Instant::now();
        self.reader
            .get_mut()
            .write_all(request.as_bytes())
            .expect("the API reads");
        let mut reply = Reply {
            status: 0,
            etag: None,
            retry_after: None,
            milliseconds: 0.0,
            bytes: 0,
        };
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            self.reader.read_line(&mut line).expect("the API answers");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if reply.status == 0 {
                let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
                reply.status = status.expect("a status comes first");
            } else if let Some((name, value)) = line.split_once(": ") {
                match name {
                    "content-length" => length = value.parse().expect("a length"),
                    "etag" => reply.etag = Some(value.to_owned()),
                    "retry-after" => reply.retry_after = value.parse().ok(),
                    _ => {}
                }
            }
        }
        reply.bytes = length;
        self.body.resize(length, 0);
        self.reader
            .read_exact(&mut self.body)
            .expect("the answer is as long as it says");
        reply.milliseconds = began.elapsed().as_secs_f64() * 1e3;
        reply
    }
}
