#![doc = include_str!("../README.md")]

mod address;
mod auth;
#[cfg(feature = "tls")]
mod certificate;
mod config;
mod connections;
mod cors;
pub mod keys;
mod layers;
mod limit;
mod problem;
mod sending;
mod serve;
mod status;
pub mod telemetry;
mod tls;
mod unread;

pub use address::{client_address, is_forwarded_https};
pub use auth::{authenticate, presented_key};
pub use config::{Config, origin_problem, out_of_range};
pub use cors::cross_origin;
pub use layers::{TraceParent, bounded};
pub use limit::{Allowance, ConcurrencyLimit, RateLimit, RequestPermit};
pub use problem::Problem;
pub use serve::{Peer, listen, serve};
pub use status::{live_route, metrics_route, status_route};
