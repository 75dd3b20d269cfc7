//! Percentages, and when they are undefined.

/// Least base of a percentage. A percentage of fewer says more about chance than about use.
pub(crate) const BASE_MIN: u64 = 30;

/// Returns `part` of `whole` in percent; `None` if `whole` is below the least base.
pub(crate) fn share_percent(part: u64, whole: u64) -> Option<f64> {
    (whole >= BASE_MIN).then(|| part as f64 * 100.0 / whole as f64)
}

/// Returns the change from `before` to `now` in percent of `before`; `None` if `before` is missing
/// or below the least base.
pub(crate) fn change_percent(now: u64, before: Option<u64>) -> Option<f64> {
    let before = before.filter(|before| *before >= BASE_MIN)?;
    Some((now as f64 - before as f64) * 100.0 / before as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_over_the_base_and_undefined_on_a_small_one() {
        assert_eq!(change_percent(150, Some(100)), Some(50.0));
        assert_eq!(change_percent(0, Some(100)), Some(-100.0));
        assert_eq!(change_percent(7, Some(0)), None);
        assert_eq!(change_percent(60, Some(29)), None);
        assert_eq!(change_percent(60, Some(30)), Some(100.0));
        assert_eq!(change_percent(7, None), None);
        // The original report printed +43%, the share of the increase in the new figure, instead of
        // the growth.
        assert_eq!(
            change_percent(16_208, Some(9_299)).map(f64::round),
            Some(74.0)
        );
    }

    #[test]
    fn a_share_needs_a_large_whole() {
        assert_eq!(share_percent(10, 40), Some(25.0));
        assert_eq!(share_percent(0, 40), Some(0.0));
        assert_eq!(share_percent(1, 29), None);
        assert_eq!(share_percent(0, 0), None);
    }
}
