//! Cell suppression: chooses the cells of published tables to hide, so that no small count can be
//! derived from the shown ones.
//!
//! A count of 1 or 2 can point at a person. Hiding it is not enough while the sum of its row is
//! shown. *Primary* suppression hides the small cells; *complementary* suppression hides as many
//! others as needed. All tables that are published together must be protected together, with all
//! their margins, in one [`Table`]. Every figure shown anywhere is then read from the resulting
//! [`Public`].
//!
//! ```
//! use affluenza_disclosure::{Count, Dimension, Secret, Table, Threshold};
//!
//! let rows = [("firenze", "tributi", 80), ("firenze", "lavoro", 9), ("vicchio", "tributi", 40),
//!             ("vicchio", "lavoro", 2), ("pelago", "lavoro", 7), ("pelago", "tributi", 7)];
//!
//! let mut table = Table::new([Dimension::flat("ente"), Dimension::flat("category")]);
//! rows.iter().for_each(|&(ente, category, uses)| table.add([ente, category], uses));
//! let public = table.suppress(Threshold::default(), &Secret([7; 32]), &[]).unwrap();
//!
//! assert_eq!(public.cell([Some("vicchio"), Some("lavoro")]), Count::Hidden); // 2 is small
//! assert_eq!(public.cell([Some("vicchio"), Some("tributi")]), Count::Hidden); // or 42 - 40
//! assert_eq!(public.cell([Some("vicchio"), None]), Count::Shown(42));
//! assert_eq!(public.cell([None, None]), Count::Shown(145));
//! // A value computed from a hidden cell is hidden, too.
//! let part = [public.cell([Some("vicchio"), Some("lavoro")]), public.cell([Some("vicchio"), None])];
//! assert_eq!(affluenza_disclosure::derive(part, |[part, whole]| part as f64 / whole as f64), None);
//! ```
//!
//! # Guarantee
//!
//! The attacker knows every shown count, and that rows and columns add up. The attacker also knows
//! the [detail](Table::with_detail) below shown cells, and this crate's threshold `k`. A zero is
//! always shown, so a hidden cell holds at least 1. Given all this, **at least `k` whole numbers
//! remain possible for every hidden cell**, small or not; the greatest of them is not small.
//!
//! The attacker may also have the program, and run it on every table that seems possible. Only the
//! [secret](Secret) is unknown. The guarantee still holds: for each of the `k` numbers there is a
//! table that contains it, and a secret with which the program publishes the same cells.
//!
//! Suppression of cells cannot cover:
//!
//! - knowledge from elsewhere: the attacker is one of the two persons, or a public body that knows
//!   its own cells;
//! - figures of the same period that were published at another time, unless their cells are passed
//!   in `also`;
//! - sums over selections other than the declared margins. Do not offer them: [`Public::cell`]
//!   hides them.
//!
//! # Method
//!
//! A *move* changes figures so that every sum stays the same and no hidden cell falls below 1. A
//! small cell is safe if it is part of a move of hidden cells that can be repeated often enough to
//! give it `k` values. The other cells of the move then have `k` values as well.
//!
//! The cheapest move is the solution of a linear programme, in integers if needed. Every move is
//! verified in integers before it counts. Totals cost far more than cells, so they are hidden last;
//! the secret breaks ties between equal costs. Cells that the moves of other cells made superfluous
//! are shown again. If no move exists, the result is an error, and no figures are published.
//!
//! The choice of cells must not reveal the counts that led to it, so it is made for counts that may
//! differ from the true ones. The secret draws *decoys*: moves that make a large cell small, or
//! change a small count. A decoy is dropped unless every cell that it moves is hidden in the end.
//!
//! Let `T` be the counts that the choice was made for, `H` the cells that it hides, and `m` the
//! move that makes a cell safe. The decoy `-i·m` leads from `T + i·m` back to `T`. So each of these
//! tables may have led to `H`, with the same cells shown.
//!
//! * L. H. Cox, *Suppression methodology and statistical disclosure control*, Journal of the
//!   American Statistical Association 75 (1980): complementary suppression, and its audit.
//! * M. Fischetti, J. J. Salazar, *Models and algorithms for optimizing cell suppression in
//!   tabular data with linear constraints*, Journal of the American Statistical Association 95
//!   (2000): protection levels, and the attacker as a pair of linear programmes, as in our tests.
//! * J. P. Kelly, B. L. Golden, A. A. Assad, *Cell suppression: disclosure protection for sensitive tabular
//!   data*, Networks 22 (1992): a linear programme for each sensitive cell, as it is done here.

mod count;
mod dimension;
mod draws;
mod protect;
mod public;
mod search;
mod system;
mod table;

pub use count::{Count, derive, sum};
pub use dimension::Dimension;
pub use draws::{Draws, Secret};
pub use protect::Unprotected;
pub use public::Public;
pub use table::{Labels, Table, Threshold};
