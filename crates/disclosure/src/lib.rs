#![doc = include_str!("../README.md")]

mod cell;
mod dimension;
mod draws;
mod protect;
mod public;
mod search;
mod system;
mod table;

pub use cell::{Cell, derive, sum};
pub use dimension::Dimension;
pub use draws::{Draws, Secret};
pub use protect::Unprotected;
pub use public::Public;
pub use table::{Labels, Table, Threshold};
