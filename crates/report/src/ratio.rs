//! Percentages, and when they are undefined.

/// Returns `part` of `whole` in percent; `None` if `whole` is zero.
pub(crate) fn share_percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// Returns the change from `before` to `now` in percent of `before`. Growth is undefined on a zero
/// or missing base, which returns `None`.
pub(crate) fn change_percent(now: u64, before: Option<u64>) -> Option<f64> {
    let before = before.filter(|before| *before > 0)?;
    Some((now as f64 - before as f64) * 100.0 / before as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_over_the_base_and_undefined_without_one() {
        assert_eq!(change_percent(150, Some(100)), Some(50.0));
        assert_eq!(change_percent(0, Some(100)), Some(-100.0));
        assert_eq!(change_percent(7, Some(0)), None);
        assert_eq!(change_percent(7, None), None);
        // The original report printed +43%, the share of the increase in the new figure, instead of
        // the growth.
        assert_eq!(
            change_percent(16_208, Some(9_299)).map(f64::round),
            Some(74.0)
        );
    }

    #[test]
    fn a_share_needs_a_whole() {
        assert_eq!(share_percent(1, 4), Some(25.0));
        assert_eq!(share_percent(0, 4), Some(0.0));
        assert_eq!(share_percent(0, 0), None);
    }
}
