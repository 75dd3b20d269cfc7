//! Figures over HTTP.
//!
//! A request is parsed into a [`question`](question::Question) once; equal questions are equal.
//! Its ETag is made of the question, of who asks, and of a [`state::Snapshot`] that stands for
//! the ledger's watermark and the register's version, so that an unchanged answer costs neither
//! a query nor a body. Answers are cached in bounded memory, and whoever asks the same at the
//! same time waits for one answer.
//!
//! No word of a request ever enters the text of a query: see `affluenza_store::usage`.

pub mod answer;
mod compose;
mod config;
mod counted;
pub mod cursor;
mod hours;
mod names;
mod offers;
mod openapi;
mod page;
pub mod period;
mod public;
pub mod question;
mod service;
pub mod state;
mod units;

pub use config::Config;
pub use openapi::openapi;
pub use service::Api;
