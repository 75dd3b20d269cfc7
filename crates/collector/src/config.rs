use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use affluenza_event::EVENT_BYTES_MAX;
use affluenza_http::{origin_problem, out_of_range};
use serde::{Deserialize, Serialize};

/// Default folder of the spool, within the data folder.
const SPOOL: &str = "collect/spool";
/// Smallest useful spool, in MiB: it holds several segments.
const SPOOL_MIB_MIN: u64 = 16;

/// Configuration of the collector.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on, and limits of connections, bodies and time.
    pub http: affluenza_http::Config,
    /// Folder of the spool. Empty: `collect/spool` in the data folder. Each collector needs its own
    /// folder.
    pub spool: PathBuf,
    /// Limit of the spool, in MiB. When it is full, events are answered with 503.
    pub spool_mib_max: u64,
    /// Timeout of Kafka's acknowledgement, in milliseconds. Events go to the spool afterwards.
    pub kafka_wait_ms_max: u32,
    /// Longest wait of an event for others in the same Kafka batch, in milliseconds.
    pub linger_ms: u32,
    /// Limit of the send queue to Kafka, in MiB. Further events go to the spool.
    pub queue_mib_max: usize,
    /// Limit of all bodies in progress, in MiB. Further requests are answered with 503.
    pub bodies_mib_max: usize,
    /// Limit of events in a request.
    pub batch_events_max: usize,
    /// Long-term rate limit of a key, in requests per second.
    pub key_requests_per_second: u32,
    /// Long-term rate limit of all pages behind one address, in requests per second.
    pub page_requests_per_second: u32,
    /// Origins whose pages may send events with a key. Pages without a key belong in `pages`.
    pub origins: Vec<String>,
    /// Name of the script for pages: `visite` is served as `/v1/visite.js`. Choose another one if
    /// blockers know it.
    pub script: String,
    /// Pages that count their visits without a key, by the name that they send.
    pub pages: BTreeMap<String, Page>,
    /// Interval between reports on refused events, in seconds.
    pub report_seconds: u64,
}

/// Portal whose pages count their visits with the collector's script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Page {
    /// Code of the ente.
    pub ente: String,
    /// Code of the portal.
    pub portal: String,
    /// Origins of the pages, such as `https://www.comune.example.it`.
    pub origins: Vec<String>,
    /// Services by the beginning of a page's path, such as `"/tributi" = "tari"`. `*` stands for
    /// any text. The path itself is not stored.
    pub services: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: affluenza_http::Config {
                requests_max: 1024,
                connections_max: 4096,
                ..affluenza_http::Config::default()
            },
            spool: PathBuf::new(),
            spool_mib_max: 1024,
            kafka_wait_ms_max: 2_000,
            linger_ms: 2,
            queue_mib_max: 128,
            bodies_mib_max: 128,
            batch_events_max: 1_000,
            key_requests_per_second: 2_000,
            page_requests_per_second: 20,
            origins: Vec::new(),
            script: "visite".to_owned(),
            pages: BTreeMap::new(),
            report_seconds: 60,
        }
    }
}

impl Config {
    /// Returns the folder of the spool. `data` is the data folder.
    pub fn spool_in(&self, data: &Path) -> PathBuf {
        if self.spool.as_os_str().is_empty() {
            data.join(SPOOL)
        } else {
            self.spool.clone()
        }
    }

    /// Returns the problems of this configuration, one line each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.http.problems("collect.http");
        let (wait_ms, linger_ms) = (self.kafka_wait_ms_max.into(), self.linger_ms.into());
        let key_requests = self.key_requests_per_second.into();
        let page_requests = self.page_requests_per_second.into();
        for (name, value, low, high) in [
            (
                "spool_mib_max",
                self.spool_mib_max,
                SPOOL_MIB_MIN,
                1_048_576,
            ),
            ("kafka_wait_ms_max", wait_ms, 100, 60_000),
            ("linger_ms", linger_ms, 0, 1_000),
            ("queue_mib_max", self.queue_mib_max as u64, 1, 2_048),
            ("bodies_mib_max", self.bodies_mib_max as u64, 1, 65_536),
            ("batch_events_max", self.batch_events_max as u64, 1, 100_000),
            ("key_requests_per_second", key_requests, 1, 1_000_000),
            ("page_requests_per_second", page_requests, 1, 1_000_000),
            ("report_seconds", self.report_seconds, 1, 3_600),
        ] {
            problems.extend(out_of_range("collect", name, value, low..=high));
        }
        if self.http.body_bytes_max < EVENT_BYTES_MAX {
            problems.push(format!(
                "collect.http.body_bytes_max = {}: use {EVENT_BYTES_MAX} or more, the size of one event",
                self.http.body_bytes_max
            ));
        }
        if !is_code(&self.script) || self.script.contains('.') || self.script == "events" {
            problems.push(format!(
                "collect.script = {:?}: use letters, digits, `-` and `_`, and not \"events\"",
                self.script
            ));
        }
        for origin in &self.origins {
            problems.extend(origin_problem("collect.origins", origin));
        }
        for (name, page) in &self.pages {
            let place = format!("collect.pages.{name}");
            for (field, code) in [("ente", &page.ente), ("portal", &page.portal)] {
                if !is_code(code) {
                    problems.push(format!("{place}.{field} = {code:?}: give its code"));
                }
            }
            if page.origins.is_empty() {
                problems.push(format!("{place}.origins is empty: no page could send"));
            }
            for origin in &page.origins {
                problems.extend(origin_problem(&format!("{place}.origins"), origin));
            }
            for (prefix, service) in &page.services {
                if !prefix.starts_with('/') || !is_code(service) {
                    problems.push(format!(
                        "{place}.services: {prefix:?} = {service:?}: give the beginning of a path, with * for any text, and the code of a service, such as \"/tributi\" = \"tari\""
                    ));
                }
            }
        }
        problems
    }
}

fn is_code(text: &str) -> bool {
    let mut bytes = text.bytes();
    (1..=64).contains(&text.len())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_sound_and_problems_name_their_place() {
        assert_eq!(Config::default().problems(), Vec::<String>::new());
        let mut config = Config {
            origins: vec!["https://www.example.it/".into()],
            script: "a/b".to_owned(),
            ..Config::default()
        };
        let page = Page {
            ente: "c_d612".into(),
            services: [("tributi".to_owned(), "tari".to_owned())].into(),
            ..Page::default()
        };
        config.pages.insert("www".into(), page);
        let problems = config.problems().join("\n");
        for part in [
            "collect.origins",
            "collect.script",
            "collect.pages.www.portal",
            "collect.pages.www.origins is empty",
            "collect.pages.www.services",
        ] {
            assert!(problems.contains(part), "{part}: {problems}");
        }
    }
}
