use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Said where encryption is asked of a program that has none.
pub(crate) const BUILT_WITHOUT_TLS: &str =
    "this program was built without TLS: build it with --features tls, or put a proxy in front";

/// Where a service listens, and its bounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// Most connections at once; more wait until one ends.
    pub connections_max: usize,
    /// Most requests at once; more are answered with 503.
    pub requests_max: usize,
    /// Largest body of a request.
    pub body_bytes_max: usize,
    /// Largest head of a request: line and headers.
    pub head_bytes_max: usize,
    /// Longest a request may take.
    pub request_seconds_max: u64,
    /// Longest that requests may go on after the service was told to stop.
    pub drain_seconds_max: u64,
    /// File with the certificate and those above it, in PEM. Empty: plain HTTP, for a proxy in front.
    pub tls_certificate: PathBuf,
    /// File with its private key, in PEM.
    pub tls_key: PathBuf,
    /// Networks of proxies in front: the address that they name in `X-Forwarded-For` is the
    /// client's. Nobody else is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            connections_max: 1024,
            requests_max: 256,
            body_bytes_max: 1 << 20,
            head_bytes_max: 16 << 10,
            request_seconds_max: 30,
            drain_seconds_max: 10,
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            trusted_proxies: Vec::new(),
        }
    }
}

impl Config {
    /// Whether connections are encrypted.
    pub fn has_tls(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.has_tls() { "https" } else { "http" }
    }

    /// What is wrong with it, one line a problem; `section` is its name in the configuration.
    pub fn problems(&self, section: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if self
            .listen
            .rsplit_once(':')
            .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
        {
            problems.push(format!(
                "{section}.listen = {:?}: use an address and a port, such as 127.0.0.1:8080",
                self.listen
            ));
        }
        if self.has_tls() && self.tls_key.as_os_str().is_empty() {
            problems.push(format!(
                "{section}.tls_key is empty: name the file with the key of {section}.tls_certificate"
            ));
        }
        if self.has_tls() && !cfg!(feature = "tls") {
            problems.push(format!("{section}.tls_certificate: {BUILT_WITHOUT_TLS}"));
        }
        let mut within = |name: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(format!("{section}.{name} = {value}: use {low} to {high}"));
            }
        };
        within("connections_max", self.connections_max as u64, 1, 100_000);
        within("requests_max", self.requests_max as u64, 1, 100_000);
        within("body_bytes_max", self.body_bytes_max as u64, 1024, 1 << 30);
        // Below 8 KiB hyper does not go.
        within(
            "head_bytes_max",
            self.head_bytes_max as u64,
            8 << 10,
            1 << 20,
        );
        within("request_seconds_max", self.request_seconds_max, 1, 3600);
        within("drain_seconds_max", self.drain_seconds_max, 0, 3600);
        problems
    }
}
