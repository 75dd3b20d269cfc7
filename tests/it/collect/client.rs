//! A client that sends events over HTTP as a portal does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::support::{Place, Running, eventually};

/// Timeout of a response.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running collector.
pub struct Collector {
    pub running: Running,
    pub address: String,
}

impl Collector {
    /// Starts `affluenza collect` and waits until it listens.
    pub fn start(place: &Place<'_>, log: &str, settings: &[(&str, &str)]) -> Self {
        let path = place.folder.join(log);
        let before = length(&path);
        let arguments = ["collect", "--listen", "127.0.0.1:0"];
        let running = place.spawn_with(&arguments, log, settings);
        let mut address = String::new();
        eventually("the collector listens", || {
            let text = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text[before.min(text.len())..]).into_owned();
            let found = text.lines().find_map(|line| {
                let rest = line.split_once("http://")?.1;
                Some(rest.split_once("/v1/events")?.0.to_owned())
            });
            address = found.unwrap_or_default();
            !address.is_empty()
        });
        Self { running, address }
    }
}

fn length(path: &Path) -> usize {
    std::fs::read(path).map_or(0, |bytes| bytes.len())
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("the answer is JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Reason codes of the rejected events, in order.
    pub fn reasons(&self) -> Vec<String> {
        let json = self.json();
        let results = json["results"].as_array().cloned().unwrap_or_default();
        results
            .iter()
            .map(|result| result["reason"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// A persistent connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and reads the response.
    pub fn ask(
        &mut self,
        line: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let mut request = format!(
            "{line} HTTP/1.1\r\nHost: collector\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.stream.get_mut().write_all(&bytes)?;
        self.read()
    }

    fn read(&mut self) -> std::io::Result<Answer> {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let answer = Answer {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .ok_or(std::io::ErrorKind::InvalidData)?,
            head,
            body: Vec::new(),
        };
        let length = answer
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { body, ..answer })
    }
}

/// Sends one request on a new connection.
pub fn ask(address: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    Client::connect(address)
        .and_then(|mut client| client.ask(line, headers, body))
        .unwrap_or_else(|error| panic!("{line} is answered: {error}"))
}

/// Sends a body with a key.
pub fn send(address: &str, key: &str, kind: &str, body: &[u8]) -> Answer {
    let key = format!("Bearer {key}");
    let headers = [("Authorization", &*key), ("Content-Type", kind)];
    ask(address, "POST /v1/events", &headers, body)
}

/// Creates a key and returns its secret.
pub fn key(place: &Place<'_>, arguments: &[&str]) -> String {
    let mut all = vec!["keys", "create", "portal", "--role", "writer"];
    all.extend(arguments);
    place.run(&all).trim().to_owned()
}

/// An access to a portal of Florence.
pub fn event(id: impl std::fmt::Display) -> String {
    event_of("c_d612", id)
}

pub fn event_of(ente: &str, id: impl std::fmt::Display) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"{SOURCE}","id":"{id}","time":"2026-03-20T10:00:00+01:00","data":{{"ente":"{ente}","portal":"servizi-online","visitor":"v{id}","client":{{"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36","ip":"93.45.1.17"}}}}}}"#
    )
}

pub const SOURCE: &str = "https://servizi.example.it";
