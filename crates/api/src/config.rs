use affluenza_http::{origin_problem, out_of_range};
use serde::{Deserialize, Serialize};

use crate::dashboard::{PagesConfig, is_address};

/// Address and limits of the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Connections, requests, bodies and timeouts.
    pub http: affluenza_http::Config,
    /// Address of the service for its clients, such as `https://affluenza.example.it`; stands in
    /// `/openapi.json`. Default: the address that it listens on, described as a sandbox.
    pub url: String,
    /// Serves clients without a key the public figures: whole closed years with small counts
    /// hidden. Default true.
    pub public: bool,
    /// Origins of pages, such as `https://www.comune.example.it`, whose scripts may use a key. Default
    /// empty. Scripts of every page may read the public figures, which need no key.
    pub origins: Vec<String>,
    /// Counts below this are hidden from clients without a key. Default 3, from 2 to 100.
    /// `close-year` decides which cells are hidden. A year closed with a lower value is not shown
    /// until `close-year --restate` closes it again.
    pub small_count: u64,
    /// Requests a second that a key may send in the long run. Default 100.
    pub key_requests_per_second: u32,
    /// Requests that a key may send at once. Default 400.
    pub key_requests_burst: u32,
    /// Requests a second that an address without a key may send in the long run. Default 100: a
    /// school or an office behind one address has many readers, and a page sends at most ten requests.
    pub address_requests_per_second: u32,
    /// Requests that an address without a key may send at once. Default 1000.
    pub address_requests_burst: u32,
    /// Questions of one key, or of one address without a key, that ClickHouse answers at once.
    /// Default 1.
    pub key_questions_max: usize,
    /// Questions of all clients that ClickHouse answers at once. Default 4.
    pub questions_max: usize,
    /// Memory of the answer cache, in bytes. Default 64 MiB.
    pub cache_bytes_max: u64,
    /// Pause between two checks for changed figures while requests come, in milliseconds. Default 200.
    pub look_ms: u64,
    /// Addresses that the web pages link to, and sites that may show them in a frame.
    pub pages: PagesConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: affluenza_http::Config::default(),
            url: String::new(),
            public: true,
            origins: Vec::new(),
            small_count: 3,
            key_requests_per_second: 100,
            key_requests_burst: 400,
            address_requests_per_second: 100,
            address_requests_burst: 1000,
            key_questions_max: 1,
            questions_max: 4,
            cache_bytes_max: 64 << 20,
            look_ms: 200,
            pages: PagesConfig::default(),
        }
    }
}

impl Config {
    /// Returns the problems of the configuration, one line each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.http.problems("serve.http");
        problems.extend(self.pages.problems());
        let rates = [
            ("key_requests_per_second", self.key_requests_per_second),
            ("key_requests_burst", self.key_requests_burst),
            (
                "address_requests_per_second",
                self.address_requests_per_second,
            ),
            ("address_requests_burst", self.address_requests_burst),
        ];
        let rates = rates.map(|(name, value)| (name, u64::from(value), 1..=1_000_000));
        let limits = [
            ("key_questions_max", self.key_questions_max as u64, 1..=1000),
            ("questions_max", self.questions_max as u64, 1..=1000),
            ("cache_bytes_max", self.cache_bytes_max, 1 << 20..=64 << 30),
            ("look_ms", self.look_ms, 10..=60_000),
        ];
        if !self.url.is_empty() && !is_address(&self.url) {
            problems.push(format!("serve.url: {:?} is not https://…", self.url));
        }
        for origin in &self.origins {
            problems.extend(origin_problem("serve.origins", origin));
        }
        let small_count = ("small_count", self.small_count, 2..=100);
        for (name, value, range) in [small_count].into_iter().chain(rates).chain(limits) {
            problems.extend(out_of_range("serve", name, value, range));
        }
        problems
    }
}
