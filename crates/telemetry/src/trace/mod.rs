//! Traces for OpenTelemetry: which request, which record of the log, which block. The context goes
//! from one to the next as W3C `traceparent` (<https://www.w3.org/TR/trace-context/>): in the
//! header of a request, in the header of a Kafka record, and as links of the span of a block.
//!
//! In a build without the feature `otel`, and where no endpoint is configured, spans are nothing
//! and cost a look at one flag.

#[cfg(feature = "otel")]
mod otlp;
#[cfg(not(feature = "otel"))]
#[path = "without.rs"]
mod otlp;

use serde::{Deserialize, Serialize};

pub use otlp::{Span, Tracing};

/// Name of the header that carries the context, in HTTP and in Kafka.
pub const TRACEPARENT: &str = "traceparent";
/// Most records that a block is linked to.
const LINKS_MAX: usize = 32;

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceConfig {
    /// Where OTLP is taken over HTTP, as in `http://127.0.0.1:4318/v1/traces`. Empty: no traces.
    pub endpoint: String,
    /// Share of the traces that begin here and are sent, 0 to 1. Those that begin elsewhere are
    /// sent when their sender says so.
    pub share: f64,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            share: 0.01,
        }
    }
}

impl TraceConfig {
    /// What is wrong, a line each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(0.0..=1.0).contains(&self.share) {
            problems.push(format!("trace.share = {}: use 0 to 1", self.share));
        }
        if self.endpoint.is_empty() {
            return problems;
        }
        if !cfg!(feature = "otel") {
            problems.push(
                "trace.endpoint: this build sends no traces: build it with `--features otel`, or leave it out"
                    .into(),
            );
        }
        if !self.endpoint.starts_with("http://") {
            problems.push(format!(
                "trace.endpoint = {:?}: use one such as http://127.0.0.1:4318/v1/traces",
                self.endpoint
            ));
        }
        problems
    }
}

/// The contexts of records whose traces are sent, for the block that they come into.
#[derive(Debug, Clone, Default)]
pub struct Links(Vec<Box<str>>);

impl Links {
    /// Remembers a record's context, once, unless there are too many.
    pub fn note(&mut self, traceparent: &str) {
        let is_known = self.0.iter().any(|known| **known == *traceparent);
        if !is_known && self.0.len() < LINKS_MAX {
            self.0.push(traceparent.into());
        }
    }

    #[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nobody is told"))]
    fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|context| &**context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_few_and_different() {
        let mut links = Links::default();
        for number in 0..100 {
            links.note(&format!("{}", number / 2));
        }
        assert_eq!(links.0.len(), LINKS_MAX);
    }
}
