//! What is left of traces in a build without them.

use super::{Links, TraceConfig};

/// Nothing is sent.
#[derive(Debug)]
pub struct Tracing;

impl Tracing {
    /// Nothing begins: a configuration that wants traces is refused before.
    pub fn start(_config: &TraceConfig, _role: &'static str) -> Result<Option<Self>, String> {
        Ok(None)
    }

    /// Never.
    #[inline(always)]
    pub fn is_on() -> bool {
        false
    }
}

/// Nothing.
#[derive(Debug)]
pub struct Span;

impl Span {
    /// Nothing.
    pub fn of_request(_name: String, _traceparent: Option<&str>) -> Self {
        Self
    }

    /// Nothing.
    pub fn of_block(_links: &Links) -> Self {
        Self
    }

    /// Nothing is handed on.
    pub fn traceparent(&self) -> Option<String> {
        None
    }

    /// Nothing is noted.
    pub fn set(&mut self, _name: &'static str, _value: i64) {}

    /// Nothing is noted.
    pub fn fail(&mut self, _what: &str) {}
}
