//! Colours, and their contrast as WCAG 2 defines it.

use std::fmt;
use std::str::FromStr;

/// An opaque colour: red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// Returns the contrast with white, from 1 to 21.
    pub fn contrast(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            match part <= 0.040_45 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        });
        1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

impl FromStr for Colour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = [0; 3];
        let digits = text.strip_prefix('#');
        let parsed = digits.is_some_and(|digits| hex::decode_to_slice(digits, &mut parts).is_ok());
        match parsed {
            true => Ok(Self(parts)),
            false => Err(format!("{text:?} is no colour: write it as #00529b")),
        }
    }
}

/// Colours of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportColours {
    /// Headings, main figures, and the year of the report in charts.
    pub accent: Colour,
    /// Compared year in charts.
    pub compared: Colour,
}

impl Default for ReportColours {
    fn default() -> Self {
        Self {
            accent: Colour([0, 82, 155]),
            compared: Colour([130, 141, 155]),
        }
    }
}

impl ReportColours {
    /// Least contrast of texts and of charts with white.
    const TEXT_MIN: f64 = 4.5;
    const CHART_MIN: f64 = 3.0;

    /// Returns the colours of these settings, or the usual ones in place of empty and wrong ones.
    pub(super) fn of(accent: &str, compared: &str) -> Self {
        let usual = Self::default();
        Self {
            accent: accent.parse().unwrap_or(usual.accent),
            compared: compared.parse().unwrap_or(usual.compared),
        }
    }

    /// Returns the mistakes in the settings.
    pub(crate) fn problems(accent: &str, compared: &str) -> Vec<String> {
        let settings = [
            ("colour", accent, Self::TEXT_MIN, "texts"),
            ("compared_colour", compared, Self::CHART_MIN, "charts"),
        ];
        let given = settings
            .into_iter()
            .filter(|(_, text, ..)| !text.is_empty());
        let problems = given.filter_map(|(name, text, least, of)| {
            let problem = match text.parse::<Colour>() {
                Err(problem) => problem,
                Ok(colour) if colour.contrast() < least => format!(
                    "{text} has a contrast of {:.1}:1 with white, and {of} need {least}:1: choose a darker colour",
                    // Rounding up would hide the difference.
                    (colour.contrast() * 10.0).floor() / 10.0
                ),
                Ok(_) => return None,
            };
            Some(format!("report.{name}: {problem}"))
        });
        problems.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        for (colour, contrast) in [("#ffffff", 1.0), ("#000000", 21.0), ("#767676", 4.54)] {
            let found = colour.parse::<Colour>().unwrap().contrast();
            assert!((found - contrast).abs() < 0.01, "{colour}: {found}");
        }
        let ReportColours { accent, compared } = ReportColours::default();
        assert_eq!(
            ReportColours::problems(&accent.to_string(), &compared.to_string()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn pale_and_wrong_colours_are_refused() {
        let problems = ReportColours::problems("#ffcc00", "#c0c0c0");
        let expected = [
            "report.colour: #ffcc00 has a contrast of 1.5:1 with white, and texts need 4.5:1: choose a darker colour",
            "report.compared_colour: #c0c0c0 has a contrast of 1.8:1 with white, and charts need 3:1: choose a darker colour",
        ];
        assert_eq!(problems, expected);
        for text in ["blue", "#00f", "00529b", "#00529b00", "#gg529b"] {
            let problems = ReportColours::problems(text, "");
            assert!(problems[0].contains("is no colour"), "{problems:?}");
        }
        assert_eq!(ReportColours::problems("", ""), Vec::<String>::new());
    }
}
