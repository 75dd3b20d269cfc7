use std::ops::RangeInclusive;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Error for a build without TLS if encryption is configured.
pub(crate) const BUILT_WITHOUT_TLS: &str =
    "this program was built without TLS: build it with --features tls, or put a proxy in front";

/// Address of a service, and its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port. Port 0: the default port of the service (8642 of the collector, 8080 of the
    /// API), or a free one if another program holds that.
    pub listen: String,
    /// Maximum number of concurrent connections. A further one takes the place of the connection that
    /// has been idle for the longest time, or waits.
    pub connections_max: usize,
    /// Maximum number of concurrent connections of an address. All addresses of an IPv6 /64 count as
    /// one, and trusted proxies have no such limit. A browser opens up to six.
    pub address_connections_max: usize,
    /// Maximum number of concurrent requests; further ones are answered with 503.
    pub requests_max: usize,
    /// Maximum size of a request body, in bytes.
    pub body_bytes_max: usize,
    /// Maximum size of request line and headers, in bytes.
    pub head_bytes_max: usize,
    /// Maximum duration of a request, in seconds.
    pub request_seconds_max: u64,
    /// Maximum time for running requests to end after a stop, in seconds.
    pub drain_seconds_max: u64,
    /// File with the certificate and its issuers, in PEM. Empty: plain HTTP, for a proxy in front.
    pub tls_certificate: PathBuf,
    /// File with the private key of the certificate, in PEM.
    pub tls_key: PathBuf,
    /// Networks of trusted proxies: the client is the address that they name in `X-Forwarded-For`, and
    /// uses the scheme that they name in `X-Forwarded-Proto`. From any other address both are ignored.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            connections_max: 1024,
            address_connections_max: 256,
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
    /// True if connections are encrypted.
    pub fn has_tls(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// Returns `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.has_tls() { "https" } else { "http" }
    }

    /// Returns the invalid settings, one line for each. `section` is the name of this section in
    /// the configuration.
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
        let limits = [
            ("connections_max", self.connections_max as u64, 1..=100_000),
            (
                "address_connections_max",
                self.address_connections_max as u64,
                1..=100_000,
            ),
            ("requests_max", self.requests_max as u64, 1..=100_000),
            ("body_bytes_max", self.body_bytes_max as u64, 1024..=1 << 30),
            // Limit of hyper: its buffer has at least 8 KiB.
            (
                "head_bytes_max",
                self.head_bytes_max as u64,
                8 << 10..=1 << 20,
            ),
            ("request_seconds_max", self.request_seconds_max, 1..=3600),
            ("drain_seconds_max", self.drain_seconds_max, 0..=3600),
        ];
        for (name, value, range) in limits {
            problems.extend(out_of_range(section, name, value, range));
        }
        problems
    }
}

/// Returns the problem of a setting that is outside its range.
pub fn out_of_range(
    section: &str,
    name: &str,
    value: u64,
    range: RangeInclusive<u64>,
) -> Option<String> {
    let (low, high) = (range.start(), range.end());
    (!range.contains(&value)).then(|| format!("{section}.{name} = {value}: use {low} to {high}"))
}

/// Returns the problem of an origin that is not written as browsers send it: scheme, host, and any
/// non-default port.
pub fn origin_problem(place: &str, origin: &str) -> Option<String> {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    let host = host.unwrap_or_default();
    let is_host = host
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c));
    (host.is_empty() || !is_host).then(|| {
        format!("{place}: {origin:?} is no origin: write it as https://www.example.it, in small letters and without a path")
    })
}
