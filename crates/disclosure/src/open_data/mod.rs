#![doc = include_str!("README.md")]

mod catalogue;
mod config;
mod edition;
mod site;
mod tables;

pub use config::{Config, Incomplete, Publisher};
pub use edition::{CATALOGUE, Edition, File, Published};
pub use site::{Source, routes};
