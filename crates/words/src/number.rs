//! Number formats of the languages.

use crate::Language;

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
            _ => "-",
        };
        format!("{sign}{}", self.count(difference.unsigned_abs()))
    }

    /// Formats a mean with this number of decimals. Without decimals, a mean between 0 and 1 is
    /// `<1`.
    pub fn mean(self, mean: f64, decimals: u8) -> String {
        match decimals {
            _ if mean == 0.0 => "0".to_owned(),
            0 if mean < 1.0 => "<1".to_owned(),
            0 => self.whole(mean),
            _ => {
                let text = format!("{mean:.*}", usize::from(decimals));
                let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
                format!("{}{}{rest}", self.group(whole), self.decimals())
            }
        }
    }

    /// Formats a count with grouped thousands, also with four digits: `1.859`.
    pub fn count(self, count: u64) -> String {
        self.group(&count.to_string())
    }

    /// Formats a share in whole percents. A share between 0 and 1 is `<1%`.
    pub fn share(self, percent: Option<f64>) -> String {
        match percent {
            None => self.not_available(),
            Some(percent) if percent > 0.0 && percent < 1.0 => "<1%".to_owned(),
            Some(percent) => format!("{}%", self.whole(percent)),
        }
    }

    /// Formats a change in whole percents with its sign. A change that rounds to zero has no sign.
    pub fn change(self, percent: Option<f64>) -> String {
        let Some(percent) = percent else {
            return self.not_available();
        };
        let sign = match percent.round() {
            rounded if rounded > 0.0 => "+",
            rounded if rounded < 0.0 => "-",
            _ => "",
        };
        format!("{sign}{}%", self.whole(percent.abs()))
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
            (-49.1, "-49%"),
            (-0.5, "-1%"),
            (0.4, "0%"),
            (-0.4, "0%"),
            (1_234.5, "+1.235%"),
        ] {
            assert_eq!(ITALIAN.change(Some(percent)), text);
        }
        assert_eq!(
            (ITALIAN.change(None), ENGLISH.change(None)),
            ("n.d.".into(), "n/a".into())
        );
    }

    #[test]
    fn means_have_a_decimal_where_all_are_small() {
        let means =
            |language: Language, means: &[f64]| language.means(means.iter().copied().map(Some));
        assert_eq!(means(ITALIAN, &[0.0, 0.44, 9.9]), ["0", "0,4", "9,9"]);
        assert_eq!(means(ENGLISH, &[0.0, 0.44, 9.9]), ["0", "0.4", "9.9"]);
        assert_eq!(means(ITALIAN, &[16.0, 176.2, 0.44]), ["16", "176", "<1"]);
        assert_eq!(means(ENGLISH, &[9.96, 1_234.5]), ["10", "1,235"]);
        assert_eq!(ITALIAN.means([None].into_iter()), ["n.d."]);
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
            prop_assert!(!text.starts_with('-') || percent < 0.0);
            prop_assert!(!text.starts_with('+') || percent > 0.0);
        }
    }
}
