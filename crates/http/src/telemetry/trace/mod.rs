//! Traces for OpenTelemetry, from the request over the record in the log to the block. The context
//! is passed on as W3C `traceparent` (<https://www.w3.org/TR/trace-context/>): in the header of a
//! request, in the header of a Kafka record, and as links of a block's span.
//!
//! Without the feature `otel`, or without a configured endpoint, a span costs one check of a flag.

#[cfg(feature = "otel")]
mod otlp;
#[cfg(not(feature = "otel"))]
#[path = "without.rs"]
mod otlp;

use serde::{Deserialize, Serialize};

pub use otlp::{Span, Tracing};

/// Name of the context header, in HTTP and in Kafka.
pub const TRACEPARENT: &str = "traceparent";
/// Maximum number of traces that a block is linked to.
const LINKS_MAX: usize = 32;

/// Configuration of traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceConfig {
    /// URL for OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. Empty: no traces.
    pub endpoint: String,
    /// Share of the traces begun here that are sent, from 0 to 1. A trace begun elsewhere follows
    /// the decision of its sender.
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
    /// Returns the invalid settings, one line for each.
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

/// Trace contexts of records, for the block that contains the records.
#[derive(Debug, Clone, Default)]
pub struct Links(Vec<Box<str>>);

impl Links {
    /// Adds the context of a record, unless it is known or the limit is reached.
    pub fn note(&mut self, traceparent: &str) {
        let is_known = self.0.iter().any(|known| **known == *traceparent);
        if !is_known && self.0.len() < LINKS_MAX {
            self.0.push(traceparent.into());
        }
    }

    #[cfg_attr(
        not(feature = "otel"),
        expect(dead_code, reason = "no listener exists")
    )]
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
