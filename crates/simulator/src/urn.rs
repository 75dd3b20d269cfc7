//! Urn of coloured balls, drawn without replacement.

use crate::random::Random;

/// Counts by colour in a Fenwick tree. A draw takes logarithmic time in the number of colours, and
/// memory does not depend on the number of balls.
pub(crate) struct Urn {
    /// `tree[i]` holds the counts of the `i & -i` colours that end with colour `i - 1`.
    tree: Vec<u64>,
    left: u64,
}

impl Urn {
    pub(crate) fn new(counts: &[u64]) -> Self {
        let mut tree = vec![0; counts.len() + 1];
        tree[1..].copy_from_slice(counts);
        for at in 1..tree.len() {
            let above = at + (at & at.wrapping_neg());
            if above < tree.len() {
                tree[above] += tree[at];
            }
        }
        Self {
            tree,
            left: counts.iter().sum(),
        }
    }

    /// Draws a ball and returns its colour; `None` if the urn is empty.
    #[inline]
    pub(crate) fn draw(&mut self, random: &mut Random) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        let mut ball = random.below(self.left);
        self.left -= 1;
        let mut colour = 0;
        let mut step = self.tree.len().next_power_of_two() / 2;
        while step > 0 {
            let next = colour + step;
            if let Some(count) = self.tree.get_mut(next) {
                if *count <= ball {
                    ball -= *count;
                    colour = next;
                } else {
                    // The ball is in the range of this node, which loses it.
                    *count -= 1;
                }
            }
            step /= 2;
        }
        Some(colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_ball_is_drawn_once(
            counts in proptest::collection::vec(0u64..20, 1..70),
            seed: u64,
        ) {
            let mut urn = Urn::new(&counts);
            let mut random = Random::new(seed, 2017, "urn");
            let mut drawn = vec![0; counts.len()];
            while let Some(colour) = urn.draw(&mut random) {
                drawn[colour] += 1;
            }
            prop_assert_eq!(drawn, counts);
            prop_assert_eq!(urn.left, 0);
        }
    }
}
