//! Queries ClickHouse over plain HTTP, so that comparisons do not depend on the program's own
//! store.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Address and credentials of a ClickHouse.
#[derive(Debug, Clone)]
pub struct Access {
    /// `host:port`.
    pub address: String,
    pub user: String,
    pub password: String,
    pub database: String,
}

impl Access {
    /// Sends a query and returns the response in the format that the query names.
    pub fn ask(&self, query: &str, patience: Duration) -> Result<String, String> {
        self.post("", query.as_bytes(), patience)
    }

    /// Sends `body`, with additional parameters in the form `&name=value`.
    pub fn post(&self, more: &str, body: &[u8], patience: Duration) -> Result<String, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(&self.address).map_err(text)?;
        stream.set_read_timeout(Some(patience)).map_err(text)?;
        stream.set_write_timeout(Some(patience)).map_err(text)?;
        // HTTP/1.0: the response ends with the connection and has no chunks.
        let request = format!(
            "POST /?database={}&wait_end_of_query=1{more} HTTP/1.0\r\nX-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\nContent-Length: {}\r\n\r\n",
            self.database,
            self.user,
            self.password,
            body.len()
        );
        stream.write_all(request.as_bytes()).map_err(text)?;
        stream.write_all(body).map_err(text)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(text)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .ok_or("the answer was cut off")?;
        match head.split(' ').nth(1) {
            Some("200") => Ok(body.to_owned()),
            status => Err(format!("{}: {body}", status.unwrap_or("no status"))),
        }
    }

    /// Returns the rows of the result, as cells.
    pub fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let answer = self
            .ask(query, Duration::from_secs(60))
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        answer
            .lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect()
    }
}
