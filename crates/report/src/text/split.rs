//! Splits columns into groups that fit side by side.

use std::ops::Range;

/// Splits columns of these widths into groups, in order. Each group is at most `room` wide, with
/// `gap` before every column. There are as few groups as possible, of even width where possible. A
/// column wider than `room` is a group alone.
pub(super) fn groups(widths: &[usize], gap: usize, room: usize) -> Vec<Range<usize>> {
    let mut best = greedy(widths, gap, room);
    // With less room, a greedy split is more even. Stop before it needs one group more.
    for tighter in (0..room).rev() {
        let split = greedy(widths, gap, tighter);
        if split.len() > best.len() {
            break;
        }
        best = split;
    }
    best
}

fn greedy(widths: &[usize], gap: usize, room: usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (place, width) in widths.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if used + gap + width <= room => {
                group.end = place + 1;
                used += gap + width;
            }
            _ => {
                groups.push(place..place + 1);
                used = gap + width;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_are_few_and_even() {
        assert_eq!(groups(&[4; 12], 1, 60).len(), 1);
        assert_eq!(groups(&[4; 12], 1, 59), [0..6, 6..12]);
        assert_eq!(groups(&[4; 12], 1, 25), [0..4, 4..8, 8..12]);
        assert_eq!(groups(&[9, 2], 1, 5), [0..1, 1..2]);
        assert!(groups(&[], 1, 5).is_empty());
    }

    proptest! {
        #[test]
        fn every_column_is_in_one_group_that_fits(
            widths in prop::collection::vec(1_usize..12, 1..30),
            gap in 1_usize..3,
            room in 14_usize..100,
        ) {
            let split = groups(&widths, gap, room);
            let places: Vec<usize> = split.iter().cloned().flatten().collect();
            prop_assert_eq!(places, (0..widths.len()).collect::<Vec<_>>());
            for group in split {
                prop_assert!(widths[group].iter().map(|width| width + gap).sum::<usize>() <= room);
            }
        }
    }
}
