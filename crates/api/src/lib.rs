#![doc = include_str!("../README.md")]

mod answer;
mod asked;
mod basis;
mod codes;
mod columns;
mod compose;
mod config;
mod counted;
mod cursor;
pub mod dashboard;
mod hours;
mod names;
mod offers;
mod open;
mod openapi;
mod page;
mod parameters;
mod period;
mod preview;
mod problems;
mod question;
mod recent;
mod reply;
mod service;
mod source;
mod state;
mod workbook;
mod years;

pub use config::Config;
pub use openapi::openapi;
pub use preview::{
    HiddenCell, PreviewFeed, PreviewQuestion, PreviewState, PreviewedEdition, PreviewedTable,
    PublicPreview,
};
pub use service::{Api, ApiSources};
