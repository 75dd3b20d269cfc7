//! Which cells of published tables must not be shown, so that no small count can be worked
//! out from those that are.
//!
//! A count of 1 or 2 can point at a person. Hiding it is not enough while the sum of its row is
//! shown: *primary* suppression hides the small cells, *complementary* suppression hides as many
//! others as it takes. All tables that are published together must be protected together, with
//! all their margins, in one [`Table`]; every figure shown anywhere is then read from the one
//! [`Public`] that comes out of it.
//!
//! ```
//! use affluenza_disclosure::{Cell, Dimension, Secret, Table, Threshold};
//!
//! let rows = [("firenze", "tributi", 80), ("firenze", "lavoro", 9), ("vicchio", "tributi", 40),
//!             ("vicchio", "lavoro", 2), ("pelago", "lavoro", 7), ("pelago", "tributi", 7)];
//!
//! let mut table = Table::new([Dimension::flat("ente"), Dimension::flat("category")]);
//! rows.iter().for_each(|&(ente, category, uses)| table.add([ente, category], uses));
//! let public = table.suppress(Threshold::default(), &Secret([7; 32]), &[]).unwrap();
//!
//! assert_eq!(public.cell([Some("vicchio"), Some("lavoro")]), Cell::Suppressed); // 2 is small
//! assert_eq!(public.cell([Some("vicchio"), Some("tributi")]), Cell::Suppressed); // or 42 - 40
//! assert_eq!(public.cell([Some("vicchio"), None]), Cell::Shown(42));
//! assert_eq!(public.cell([None, None]), Cell::Shown(145));
//! // Whatever is computed from a hidden cell is hidden, too.
//! let part = [public.cell([Some("vicchio"), Some("lavoro")]), public.cell([Some("vicchio"), None])];
//! assert_eq!(affluenza_disclosure::derive(part, |[part, whole]| part as f64 / whole as f64), None);
//! ```
//!
//! # What is guaranteed
//!
//! The attacker knows all that is shown, that rows and columns add up, what shown cells are known to
//! [fall apart into](Table::with_detail), this crate's threshold `k`, and that a zero is always shown, hence
//! that a hidden cell holds at least 1. Then **at least `k` whole numbers remain possible for every hidden
//! cell**, small or not; the greatest of them is not small.
//!
//! He may have the program, too, and run it on every table that he thinks possible. All but the
//! [secret](Secret) is known to him. The same holds: for each of these numbers there is a table that has it,
//! and a secret with which the program makes of that table what he sees.
//!
//! Not covered, and not by any suppression of cells: what an attacker knows from elsewhere (he is one of the
//! two himself, or a public body that knows its own cells), figures published at another time of the same
//! period, unless what they showed is given as to be hidden (`also`), and sums over other selections
//! than the margins declared (do not offer them: [`Public::cell`] has none).
//!
//! # How
//!
//! A *move* changes figures so that every sum stays as it is and no hidden cell falls below 1. A small cell
//! is safe when it is part of a move of hidden cells that can be made often enough to give it `k` values;
//! the other cells of the move then have `k` values as well. The move that costs least is the solution of
//! a linear programme, in whole numbers where need be; every move is checked in whole numbers before it counts.
//! Totals cost far more than cells, so that they are hidden last; equal costs are told apart by the secret.
//! What the moves of other cells have made superfluous is shown again. No move, no figures: an error is
//! the only other outcome.
//!
//! The choice must not tell of the counts that led to it. So it is made for counts that may not be the true
//! ones: the secret draws *decoys*, moves that make a cell small that is not, or one small count of
//! another. They are dropped unless all that they move is hidden in the end. Let `T` be the counts that
//! the choice was made for, `H` what it hides, and `m` the move that makes a cell safe: the decoy `-i·m` leads
//! from `T + i·m` back to `T`, so each of these tables may have led to `H`, with the same cells shown.
//!
//! * L. H. Cox, *Suppression methodology and statistical disclosure control*, Journal of the
//!   American Statistical Association 75 (1980): complementary suppression, and its audit.
//! * M. Fischetti, J. J. Salazar, *Models and algorithms for optimizing cell suppression in
//!   tabular data with linear constraints*, Journal of the American Statistical Association 95
//!   (2000): protection levels, and the attacker as a pair of linear programmes, as in our tests.
//! * J. P. Kelly, B. L. Golden, A. A. Assad, *Cell suppression: disclosure protection for sensitive tabular
//!   data*, Networks 22 (1992): a linear programme for each sensitive cell, as it is done here.

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
