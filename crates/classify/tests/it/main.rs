//! Tests of the crate's public interface.

#![expect(clippy::unwrap_used, reason = "a test may fail this way")]

mod accuracy;
mod geography;
mod hints;
mod holidays;
mod mmdb;
mod never_fails;
mod periods;
mod zones;
