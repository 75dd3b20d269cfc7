#![doc = include_str!("../README.md")]

mod count;
mod cover;
mod cycles;
mod dimension;
mod draws;
pub mod edition;
mod neighbours;
pub mod open_data;
mod protect;
mod public;
mod search;
mod system;
mod table;

pub use count::{Count, derive, sum};
pub use dimension::TableDimension;
pub use draws::{Draws, Secret};
pub use protect::Unprotected;
pub use public::Public;
pub use table::{CountTable, Labels, Threshold};

#[cfg(test)]
mod tests {
    mod program;
}
