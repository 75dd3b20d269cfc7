//! Number formats of the languages.

use crate::Language;

/// Sign of negative numbers.
const MINUS: &str = "−";
/// Change in percent above which its factor is shown, too.
const FACTOR_PERCENT: f64 = 200.0;
/// Largest number of decimals of a percentage near 100.
const DECIMALS_MAX: usize = 4;

impl Language {
    /// Returns the text for an undefined figure.
    pub fn not_available(self) -> String {
        self.say("undefined", &[])
    }

    /// Formats a difference with its sign and grouped thousands: `+1.859`.
    pub fn difference(self, difference: i64) -> String {
        let sign = match difference {
            1.. => "+",
            0 => "",
            _ => MINUS,
        };
        format!("{sign}{}", self.count(difference.unsigned_abs()))
    }

    /// Formats a mean with this number of decimals. A mean above zero that would be printed as zero
    /// is `<0,1`; without decimals, a mean below 1 is `<1`.
    pub fn mean(self, mean: f64, decimals: u8) -> String {
        let places = usize::from(decimals);
        let text = format!("{mean:.places$}");
        let least = match decimals {
            0 => 1.0,
            _ => 0.5 * 0.1_f64.powi(decimals.into()),
        };
        match (mean, decimals) {
            (0.0, _) => "0".to_owned(),
            (mean, 0) if mean < least => "<1".to_owned(),
            (mean, _) if mean < least => {
                format!("<{}", self.digits(&format!("{:.places$}", 2.0 * least)))
            }
            (mean, 0) => self.whole(mean),
            _ => self.digits(&text),
        }
    }

    /// Formats a measured number with the decimals that it has: `99,996`.
    pub fn measured(self, number: f64) -> String {
        self.digits(&number.to_string())
    }

    /// Formats a number with the decimals that its text has: `99,0` for `99.0`.
    pub fn decimal(self, text: &str) -> String {
        self.digits(text)
    }

    /// Formats a count with grouped thousands, also with four digits: `1.859`.
    pub fn count(self, count: u64) -> String {
        self.group(&count.to_string())
    }

    /// Formats a share in whole percents. A share between 0 and 1 is `<1%`; one that is not all has
    /// the decimals that tell it from 100.
    pub fn share(self, percent: Option<f64>) -> String {
        match percent {
            None => self.not_available(),
            Some(percent) if percent > 0.0 && percent < 1.0 => "<1%".to_owned(),
            Some(percent) => format!("{}%", self.below_hundred(percent)),
        }
    }

    /// Formats a change in whole percents with its sign. A change that rounds to zero has no sign.
    /// A fall that leaves something has the decimals that tell it from 100. A rise above 200% has
    /// its factor, too: `+338% (×4,4)`.
    pub fn change(self, percent: Option<f64>) -> String {
        let Some(percent) = percent else {
            return self.not_available();
        };
        match percent.round() {
            rounded if rounded < 0.0 => {
                let fall = self.below_hundred(-percent);
                format!("{MINUS}{}%", fall.trim_start_matches('>'))
            }
            0.0 => "0%".to_owned(),
            _ if percent <= FACTOR_PERCENT => format!("+{}%", self.whole(percent)),
            _ => {
                let factor = 1.0 + percent / 100.0;
                let decimals = u8::from(factor < 9.95);
                format!(
                    "+{}% (×{})",
                    self.whole(percent),
                    self.mean(factor, decimals)
                )
            }
        }
    }

    /// Formats a percentage as whole, unless it is below 100 and would be printed as 100.
    fn below_hundred(self, percent: f64) -> String {
        if percent >= 100.0 || percent.round() < 100.0 {
            return self.whole(percent);
        }
        let mut decimals = (1..=DECIMALS_MAX).map(|places| format!("{percent:.places$}"));
        match decimals.find(|text| !text.starts_with("100")) {
            Some(text) => self.digits(&text),
            None => format!(">{}", self.digits("99.9999")),
        }
    }

    /// Formats a change with one decimal and its sign, for a sentence about a small change. One above
    /// 200% or near −100% is formatted as any other.
    pub fn fine_change(self, percent: f64) -> String {
        let rounded = (percent * 10.0).round() / 10.0;
        if percent > FACTOR_PERCENT || rounded <= -100.0 {
            return self.change(Some(percent));
        }
        let sign = match rounded {
            0.0 => "",
            above if above > 0.0 => "+",
            _ => MINUS,
        };
        format!("{sign}{}%", self.mean(rounded.abs(), 1))
    }

    /// Formats means: all with one decimal if all are below ten, otherwise whole. Without decimals,
    /// a mean between 0 and 1 is `<1`.
    pub fn means(self, means: impl Iterator<Item = Option<f64>> + Clone) -> Vec<String> {
        let decimal = means.clone().flatten().all(|mean| mean < 9.95);
        means
            .map(|mean| match mean {
                None => self.not_available(),
                Some(mean) => self.mean(mean, decimal.into()),
            })
            .collect()
    }

    /// Formats a number rounded half away from zero, never as `-0`.
    fn whole(self, number: f64) -> String {
        let rounded = number.round();
        let digits = format!("{:.0}", rounded.abs());
        let sign = if rounded < 0.0 { "-" } else { "" };
        format!("{sign}{}", self.group(&digits))
    }

    /// Formats the digits of a number with a decimal point.
    fn digits(self, text: &str) -> String {
        match text.split_once('.') {
            Some((whole, rest)) => format!("{}{}{rest}", self.group(whole), self.decimals()),
            None => self.group(text),
        }
    }

    fn group(self, digits: &str) -> String {
        group(digits, self.thousands())
    }
}

/// Groups digits by thousands, also four of them.
pub(crate) fn group(digits: &str, thousands: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push_str(thousands);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::Language;

    const ITALIAN: Language = Language::IT;
    const ENGLISH: Language = Language::EN;

    #[test]
    fn counts_are_grouped_by_thousands_four_digits_too() {
        for (count, italian, english) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_859, "1.859", "1,859"),
            (53_493, "53.493", "53,493"),
            (749_866, "749.866", "749,866"),
            (1_000_000, "1.000.000", "1,000,000"),
        ] {
            assert_eq!(ITALIAN.count(count), italian);
            assert_eq!(ENGLISH.count(count), english);
        }
    }

    #[test]
    fn shares_are_whole_and_small_ones_do_not_vanish() {
        for (percent, text) in [
            (0.0, "0%"),
            (0.000_01, "<1%"),
            (0.999, "<1%"),
            (1.0, "1%"),
            (26.98, "27%"),
            (99.4, "99%"),
            (99.6, "99,6%"),
            (99.996, "99,996%"),
            (99.999_999, ">99,9999%"),
            (100.0, "100%"),
        ] {
            assert_eq!(ITALIAN.share(Some(percent)), text);
        }
        assert_eq!(
            (ITALIAN.share(None), ENGLISH.share(None)),
            ("n.d.".into(), "n/a".into())
        );
    }

    #[test]
    fn changes_have_a_sign() {
        for (percent, text) in [
            (21.41, "+21%"),
            (-49.1, "−49%"),
            (-0.5, "−1%"),
            (0.4, "0%"),
            (-0.4, "0%"),
            (-99.8, "−99,8%"),
            (-99.999_96, "−99,9999%"),
            (-100.0, "−100%"),
            (200.0, "+200%"),
            (337.5, "+338% (×4,4)"),
            (1_234.5, "+1.235% (×13)"),
        ] {
            assert_eq!(ITALIAN.change(Some(percent)), text);
        }
        assert_eq!(
            (ITALIAN.change(None), ENGLISH.change(None)),
            ("n.d.".into(), "n/a".into())
        );
    }

    #[test]
    fn a_small_change_has_a_decimal_and_a_great_one_is_as_any_other() {
        for (percent, text) in [
            (-1.0, "−1,0%"),
            (0.04, "0%"),
            (21.41, "+21,4%"),
            (-99.94, "−99,9%"),
            (-99.97, "−99,97%"),
            (-100.0, "−100%"),
            (337.5, "+338% (×4,4)"),
        ] {
            assert_eq!(ITALIAN.fine_change(percent), text);
        }
    }

    #[test]
    fn means_have_a_decimal_where_all_are_small() {
        let means =
            |language: Language, means: &[f64]| language.means(means.iter().copied().map(Some));
        assert_eq!(means(ITALIAN, &[0.0, 0.44, 9.9]), ["0", "0,4", "9,9"]);
        assert_eq!(means(ITALIAN, &[0.003, 0.05]), ["<0,1", "0,1"]);
        assert_eq!(ITALIAN.mean(0.003, 2), "<0,01");
        assert_eq!(means(ENGLISH, &[0.0, 0.44, 9.9]), ["0", "0.4", "9.9"]);
        assert_eq!(means(ITALIAN, &[16.0, 176.2, 0.44]), ["16", "176", "<1"]);
        assert_eq!(means(ENGLISH, &[9.96, 1_234.5]), ["10", "1,235"]);
        assert_eq!(ITALIAN.means([None].into_iter()), ["n.d."]);
    }

    #[test]
    fn measured_numbers_keep_their_decimals() {
        for (number, text) in [(99.996, "99,996"), (98.5, "98,5"), (100.0, "100")] {
            assert_eq!(ITALIAN.measured(number), text);
        }
    }

    proptest! {
        #[test]
        fn grouping_changes_no_digit(count: u64) {
            for (language, thousands) in [(ITALIAN, '.'), (ENGLISH, ',')] {
                let text = language.count(count);
                prop_assert_eq!(text.replace(thousands, ""), count.to_string());
                let groups: Vec<&str> = text.split(thousands).collect();
                prop_assert!((1..=3).contains(&groups[0].len()));
                prop_assert!(groups[1..].iter().all(|group| group.len() == 3));
            }
        }

        #[test]
        fn a_change_never_shows_a_sign_against_its_direction(percent in -1e6_f64..1e6) {
            let text = ENGLISH.change(Some(percent));
            prop_assert!(!text.starts_with('−') || percent < 0.0);
            prop_assert!(!text.starts_with('+') || percent > 0.0);
        }
    }
}
