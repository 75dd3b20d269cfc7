#![doc = include_str!("../README.md")]

mod catalogue;
#[cfg(test)]
mod check;
mod language;
mod number;
mod pattern;

pub use catalogue::{WordArg, WordArgs};
pub use language::{Language, UnknownLanguage};
pub use pattern::Patterns;
