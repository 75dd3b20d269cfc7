//! Whole numbers in given proportions with an exact sum.

/// Distributes `total` in proportion to `weights` by the largest remainder method: each exact share
/// is rounded up or down. Ties favour the first. If all weights are zero, all shares are zero.
pub(crate) fn apportion(total: u64, weights: &[f64]) -> Vec<u64> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights
        .iter()
        .map(|weight| total as f64 * (weight / sum))
        .collect();
    let mut shares: Vec<u64> = exact.iter().map(|share| share.floor() as u64).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|at| weights[*at] > 0.0).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    let mut given: u64 = shares.iter().sum();
    // Floating-point errors may push the sum of the floors above the total.
    for at in order.iter().rev().cycle() {
        if given <= total {
            break;
        }
        let surplus = shares[*at].min(1);
        shares[*at] -= surplus;
        given -= surplus;
    }
    for at in order.iter().cycle().take((total - given) as usize) {
        shares[*at] += 1;
    }
    shares
}

/// Same as [`apportion`] with integer weights. No share exceeds its weight if `total` is at most
/// their sum.
pub(crate) fn apportion_whole(total: u64, weights: &[u64]) -> Vec<u64> {
    let weights: Vec<f64> = weights.iter().map(|weight| *weight as f64).collect();
    apportion(total, &weights)
}

/// Returns `count` times `factor`, rounded to the nearest whole number, halves up.
pub(crate) fn times(count: u64, factor: f64) -> u64 {
    (count as f64 * factor + 0.5).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remainders_decide() {
        assert_eq!(apportion(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
        assert_eq!(apportion(1, &[0.0, 0.4, 0.6]), [0, 0, 1]);
        assert_eq!(apportion(5, &[0.0]), [0]);
        assert_eq!(apportion_whole(7, &[7, 0]), [7, 0]);
    }

    proptest! {
        #[test]
        fn the_sum_is_exact_and_each_is_near_its_share(
            total in 0u64..10_000_000,
            weights in proptest::collection::vec(0u64..1000, 1..50),
        ) {
            let shares = apportion_whole(total, &weights);
            let sum: u64 = weights.iter().sum();
            if sum > 0 {
                prop_assert_eq!(shares.iter().sum::<u64>(), total);
                for (share, weight) in shares.iter().zip(&weights) {
                    let exact = total as f64 * *weight as f64 / sum as f64;
                    prop_assert!((*share as f64 - exact).abs() < 1.001);
                    prop_assert!(total > sum || share <= weight);
                }
            }
        }
    }
}
