//! HTTP plumbing shared by the services.
//!
//! [`serve`] runs a router on a bound listener until it is stopped, with limits on connections,
//! headers, bodies and time. A [`Problem`] is the error document of all services (RFC 9457).
//! [`bounded`] adds the layers of every service: security headers, limits, metrics and logging.
//! [`RateLimit`] is a token bucket for each key or address.
//!
//! ```no_run
//! use affluenza_telemetry::{Metrics, CancellationToken};
//! use affluenza_web::{Config, bounded, listen, metrics_route, serve, status_route};
//! use axum::{Router, routing::get};
//!
//! # async fn example() -> std::io::Result<()> {
//! let (config, metrics) = (Config::default(), Metrics::default());
//! let routes = Router::new()
//!     .route("/v1/hello", get(|| async { "hello" }))
//!     .merge(status_route(|| async { Ok(()) }))
//!     .merge(metrics_route(&metrics));
//! let listener = listen(&config.listen).await?;
//! serve(listener, bounded(routes, &config, &metrics), &config, (&metrics, &CancellationToken::new())).await
//! # }
//! ```

mod address;
mod auth;
#[cfg(feature = "tls")]
mod certificate;
mod config;
mod layers;
mod limit;
mod problem;
mod serve;
mod status;
mod tls;
mod unread;

pub use address::client_address;
pub use auth::{authenticate, presented_key};
pub use config::Config;
pub use layers::{TraceParent, bounded};
pub use limit::{Allowance, Place, Places, RateLimit};
pub use problem::Problem;
pub use serve::{Peer, listen, serve};
pub use status::{live_route, metrics_route, status_route};
