use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageLanguage {
    Italian,
    English,
}

impl PageLanguage {
    pub fn code(self) -> &'static str {
        match self {
            Self::Italian => "it",
            Self::English => "en",
        }
    }

    /// Returns the language of the address, otherwise the browser's preferred one, otherwise
    /// Italian.
    pub fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let asked = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .find_map(|pair| Self::named(pair.strip_prefix("lang=")?));
        asked
            .or_else(|| Self::preferred(headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?))
            .unwrap_or(Self::Italian)
    }

    /// Parses `it`, `it-IT`, `en`, `en-GB` and so on.
    fn named(tag: &str) -> Option<Self> {
        match tag.trim().split('-').next()? {
            language if language.eq_ignore_ascii_case("it") => Some(Self::Italian),
            language if language.eq_ignore_ascii_case("en") => Some(Self::English),
            _ => None,
        }
    }

    /// Returns the first language of the greatest weight. The default of `q` is 1.
    fn preferred(accepted: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in accepted.split(',') {
            let mut parts = range.split(';');
            let Some(language) = parts.next().and_then(Self::named) else {
                continue;
            };
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            if weight > best.map_or(0.0, |(best, _)| best) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_address_wins_then_the_browser_then_italian() {
        let chosen = |query: &str, accepted: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
            }
            PageLanguage::of(Some(query), &headers).code()
        };
        assert_eq!(chosen("", None), "it");
        assert_eq!(chosen("year=2017&lang=en", Some("it-IT,it;q=0.9")), "en");
        assert_eq!(chosen("lang=de", Some("de,en-GB;q=0.8,it;q=0.5")), "en");
        assert_eq!(chosen("", Some("en;q=0.3, it;q=0.7")), "it");
        assert_eq!(chosen("", Some("fr-FR,fr")), "it");
        assert_eq!(chosen("", Some("en;q=0")), "it");
    }
}
