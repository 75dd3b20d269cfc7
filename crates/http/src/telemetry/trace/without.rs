//! Replacement of traces in a build without the feature `otel`.

use super::{Links, TraceConfig};

/// Placeholder that sends nothing.
#[derive(Debug)]
pub struct Tracing;

impl Tracing {
    /// Returns `None`: [`TraceConfig::problems`] has already refused an endpoint.
    pub fn start(_config: &TraceConfig, _role: &'static str) -> Result<Option<Self>, String> {
        Ok(None)
    }

    /// Returns false.
    #[inline(always)]
    pub fn is_on() -> bool {
        false
    }
}

/// Placeholder of a span.
#[derive(Debug)]
pub struct Span;

impl Span {
    /// Returns a placeholder.
    pub fn of_request(_name: String, _traceparent: Option<&str>) -> Self {
        Self
    }

    /// Returns a placeholder.
    pub fn of_block(_links: &Links) -> Self {
        Self
    }

    /// Returns `None`, as there is no context.
    pub fn traceparent(&self) -> Option<String> {
        None
    }

    /// Does nothing.
    pub fn set(&mut self, _name: &'static str, _value: i64) {}

    /// Does nothing.
    pub fn fail(&mut self, _what: &str) {}
}
