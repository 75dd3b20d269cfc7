use serde::{Deserialize, Serialize};

/// Where the API listens, and its bounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Connections, requests, bodies and time.
    pub http: affluenza_web::Config,
    /// Whether whoever has no key gets the public figures: whole years, small counts hidden.
    pub public: bool,
    /// Counts below this are hidden from those without a key.
    pub small_count: u64,
    /// Requests a second that a key may send on the long run.
    pub key_requests_per_second: u32,
    /// Requests that a key may send at once.
    pub key_requests_burst: u32,
    /// Requests a second that an address without a key may send on the long run.
    pub address_requests_per_second: u32,
    /// Requests that an address without a key may send at once.
    pub address_requests_burst: u32,
    /// Questions of one key that ClickHouse works on at once.
    pub key_questions_max: usize,
    /// Questions of all that ClickHouse works on at once.
    pub questions_max: usize,
    /// Memory for answers that may be asked for again, in bytes.
    pub cache_bytes_max: u64,
    /// Pause between two looks whether figures have changed, in milliseconds.
    pub look_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: affluenza_web::Config::default(),
            public: true,
            small_count: 3,
            key_requests_per_second: 100,
            key_requests_burst: 400,
            address_requests_per_second: 50,
            address_requests_burst: 400,
            key_questions_max: 1,
            questions_max: 4,
            cache_bytes_max: 64 << 20,
            look_ms: 200,
        }
    }
}

impl Config {
    /// What is wrong with it, one line a problem.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.http.problems("serve.http");
        let mut within = |name: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(format!("serve.{name} = {value}: use {low} to {high}"));
            }
        };
        within("small_count", self.small_count, 2, 100);
        for (name, value) in [
            ("key_requests_per_second", self.key_requests_per_second),
            ("key_requests_burst", self.key_requests_burst),
            (
                "address_requests_per_second",
                self.address_requests_per_second,
            ),
            ("address_requests_burst", self.address_requests_burst),
        ] {
            within(name, u64::from(value), 1, 1_000_000);
        }
        within("key_questions_max", self.key_questions_max as u64, 1, 1000);
        within("questions_max", self.questions_max as u64, 1, 1000);
        within("cache_bytes_max", self.cache_bytes_max, 1 << 20, 64 << 30);
        within("look_ms", self.look_ms, 10, 60_000);
        problems
    }
}
