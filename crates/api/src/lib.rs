#![doc = include_str!("../README.md")]

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
