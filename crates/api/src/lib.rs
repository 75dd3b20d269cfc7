//! Serves the figures over HTTP.
//!
//! A request is parsed into a `Question` once; equal questions are equal values. The ETag is a hash
//! of the question, the client's scope and a `Snapshot` of the service's state. The snapshot stands
//! for the ledger's watermark and the register's version. So an unchanged answer costs neither a
//! query nor a body. Answers are cached in bounded memory, and concurrent equal requests wait for
//! one answer.
//!
//! One path builds all answers. `source` reads the figures, live or from the public edition of a
//! closed year, as counts that may be hidden; the modules after it know no other difference.
//!
//! No text of a request ever enters the text of a query: see `affluenza_store::usage`.

mod answer;
mod asked;
mod compose;
mod config;
mod counted;
mod cursor;
mod hours;
mod names;
mod offers;
mod open;
mod openapi;
mod page;
mod parameters;
mod period;
mod question;
mod reply;
mod service;
mod source;
mod state;
mod units;
mod years;

pub use config::Config;
pub use openapi::openapi;
pub use service::Api;
