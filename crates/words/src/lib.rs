#![doc = include_str!("../README.md")]

mod catalogue;
#[cfg(test)]
mod check;
mod language;
mod number;

pub use catalogue::{WordArg, WordArgs};
pub use language::{Language, UnknownLanguage};
