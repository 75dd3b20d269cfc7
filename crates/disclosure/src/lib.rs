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
//! use affluenza_disclosure::{Cell, Dimension, Table, Threshold};
//!
//! let rows = [("firenze", "tributi", 80), ("firenze", "lavoro", 9), ("vicchio", "tributi", 40),
//!             ("vicchio", "lavoro", 2), ("pelago", "lavoro", 7), ("pelago", "tributi", 7)];
//!
//! let mut table = Table::new([Dimension::flat("ente"), Dimension::flat("category")]);
//! rows.iter().for_each(|&(ente, category, uses)| table.add([ente, category], uses));
//! let public = table.suppress(Threshold::default());
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
//! The attacker knows all that is shown, that rows and columns add up, this crate's threshold
//! `k`, and that a zero is always shown, hence that a hidden cell holds at least 1. (Where
//! [zeros are small](Threshold::zero_is_small) he only knows that it is not negative.) Let `a` be
//! the value of a small cell, and `lo` and `hi` the least and the greatest value that the
//! attacker cannot rule out. Then
//!
//! * **`hi >= k`**: he cannot tell that the cell is small at all;
//! * **`hi - lo >= k - 1`**: at least `k` values remain possible (`k + 1` with zeros small: `hi - lo >= k`), each of them
//!   in whole numbers, so that integer programming finds no more than linear programming.
//!
//! In the terms of the literature: upper protection level `k - a`, sliding protection level
//! `k - 1` or `k`. Not covered, and not by any suppression of cells: what an attacker knows from
//! elsewhere (he is one of the two himself), figures published at another time of the same
//! period (publish periods that are over), and sums over other selections than the margins
//! declared (do not offer them: [`Public::cell`] has none).
//!
//! # How
//!
//! Choosing the complementary cells of least worth is NP-hard; exact solutions are integer
//! programmes of minutes. This is the *hypercube* heuristic, made exact in what it guarantees:
//! the cells of a table that share all but one choice a dimension form a box whose corners can be
//! shifted against each other, alternately up and down, with every sum unchanged. A small cell is
//! safe as soon as it is the corner of one hidden box that can be shifted far enough. The box may
//! end in totals, and a box of nothing but totals always exists, so that a solution always does.
//! The cheapest box is found by branch and bound, cost being the values hidden; what the boxes of
//! other cells have made superfluous is shown again. Same input, same output, in any order.
//!
//! * L. H. Cox, *Suppression methodology and statistical disclosure control*, Journal of the
//!   American Statistical Association 75 (1980): complementary suppression, and its audit.
//! * M. Fischetti, J. J. Salazar, *Models and algorithms for optimizing cell suppression in
//!   tabular data with linear constraints*, Journal of the American Statistical Association 95
//!   (2000): protection levels, and the attacker as a pair of linear programmes, as in our tests.
//! * R. D. Repsilber, *Preservation of confidentiality in aggregated data* (1994), and S. Giessing,
//!   D. Repsilber, *Tools and strategies to protect multiple tables with the GHQUAR cell suppression engine* (2002):
//!   the hypercube method, as τ-ARGUS and sdcTable have it.

mod cell;
mod dimension;
mod protect;
mod public;
mod table;

pub use cell::{Cell, derive, sum};
pub use dimension::Dimension;
pub use public::Public;
pub use table::{Table, Threshold};
