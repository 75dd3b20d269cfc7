//! Serves the figures over HTTP.
//!
//! A request is parsed into a [`question`](question::Question) once; equal questions are equal
//! values. The ETag is a hash of the question, the client's scope and a [`state::Snapshot`]. The
//! snapshot stands for the ledger's watermark and the register's version. So an unchanged answer
//! costs neither a query nor a body. Answers are cached in bounded memory, and concurrent equal
//! requests wait for one answer.
//!
//! No text of a request ever enters the text of a query: see `affluenza_store::usage`.

pub mod answer;
mod asked;
mod compose;
mod config;
mod counted;
pub mod cursor;
mod hours;
mod names;
mod offers;
mod open;
mod openapi;
mod page;
pub mod period;
pub mod question;
mod reply;
mod service;
mod source;
pub mod state;
mod units;
mod years;

pub use config::Config;
pub use openapi::openapi;
pub use service::Api;
