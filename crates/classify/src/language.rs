//! The language of a reader, as a coarse family.

use crate::device::stored_enum;

/// The preferred language of a browser, without country or variety. The discriminants are the
/// stored form.
///
/// The list has Italian, the protected languages of the border regions, and the most frequent
/// foreign languages. Every other language is [`Language::Other`], so that no reader can be singled
/// out.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Language {
    /// Any other language, or no language given.
    Other = 0,
    /// Italian.
    It = 1,
    /// German.
    De = 2,
    /// French.
    Fr = 3,
    /// Slovene.
    Sl = 4,
    /// English.
    En = 5,
    /// Spanish.
    Es = 6,
}

stored_enum!(Language, "language", {
    Other => "other",
    It => "it",
    De => "de",
    Fr => "fr",
    Sl => "sl",
    En => "en",
    Es => "es",
});

impl Language {
    /// Returns the language with the greatest weight in an `Accept-Language` header, the first
    /// among equals. Returns [`Language::Other`] if the header names no known language.
    ///
    /// ```
    /// use affluenza_classify::language::Language;
    ///
    /// assert_eq!(Language::from_accept_language("it-IT,it;q=0.9,en;q=0.8"), Language::It);
    /// assert_eq!(Language::from_accept_language("en;q=0.5, de-AT"), Language::De);
    /// assert_eq!(Language::from_accept_language("*"), Language::Other);
    /// ```
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        let mut best = (0, Self::Other);
        for entry in header.split(',') {
            let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = weight(parameters);
            if weight > best.0 {
                best = (weight, Self::from_tag(tag.trim()));
            }
        }
        best.1
    }

    /// Returns the language of a BCP 47 tag such as `it-IT`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let known = Self::ALL
            .iter()
            .skip(1)
            .find(|language| language.as_str().eq_ignore_ascii_case(primary));
        known.copied().unwrap_or(Self::Other)
    }
}

/// Parses `q=0.8` into thousandths. A missing weight is 1000, an invalid one 0.
fn weight(parameters: &str) -> u16 {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return 1_000;
    }
    let value = parameters
        .strip_prefix("q=")
        .and_then(|q| q.trim().parse::<f32>().ok());
    value
        .filter(|q| (0.0..=1.0).contains(q))
        .map_or(0, |q| (q * 1_000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_weight_wins_and_nonsense_is_other() {
        let language = Language::from_accept_language;
        assert_eq!(language("fr-CH, fr;q=0.9, en;q=0.8"), Language::Fr);
        assert_eq!(language("en;q=0.3,sl;q=0.9"), Language::Sl);
        assert_eq!(language("IT_it"), Language::It);
        for header in [
            "", "   ", ",,,", "zh-CN", "it;q=0", "it;q=x", "it;q=2", "italian",
        ] {
            assert_eq!(language(header), Language::Other, "{header:?}");
        }
    }

    #[test]
    fn stored_numbers_and_names_are_read_back() {
        for language in Language::ALL {
            assert_eq!(Language::from_u8(*language as u8), Some(*language));
            assert_eq!(language.as_str().parse(), Ok(*language));
        }
        assert_eq!(Language::from_u8(7), None);
    }
}
