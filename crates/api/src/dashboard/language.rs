use affluenza_words::Language;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// Language of a reader who does not ask for a known one.
const FALLBACK: Language = Language::IT;

/// Returns the language of the address, otherwise the browser's preferred one, otherwise Italian.
pub(crate) fn chosen(query: Option<&str>, headers: &HeaderMap) -> Language {
    asked(query, headers).unwrap_or(FALLBACK)
}

/// Returns the language of the address, otherwise the client's preferred one.
pub(crate) fn asked(query: Option<&str>, headers: &HeaderMap) -> Option<Language> {
    let asked = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| named(pair.strip_prefix("lang=")?));
    asked.or_else(|| preferred(headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?))
}

/// Parses `it`, `it-IT`, `en`, `en-GB` and so on.
fn named(tag: &str) -> Option<Language> {
    let code = tag.trim().split('-').next()?;
    code.to_ascii_lowercase().parse().ok()
}

/// Returns the first language of the greatest weight. The default of `q` is 1.
fn preferred(accepted: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for range in accepted.split(',') {
        let mut parts = range.split(';');
        let Some(language) = parts.next().and_then(named) else {
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_address_wins_then_the_browser_then_italian() {
        let code = |query: &str, accepted: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
            }
            chosen(Some(query), &headers).as_str()
        };
        assert_eq!(code("", None), "it");
        assert_eq!(code("year=2017&lang=en", Some("it-IT,it;q=0.9")), "en");
        assert_eq!(code("lang=xx", Some("xx,en-GB;q=0.8,it;q=0.5")), "en");
        assert_eq!(code("", Some("en;q=0.3, it;q=0.7")), "it");
        assert_eq!(code("", Some("xx-YY,xx")), "it");
        assert_eq!(code("", Some("en;q=0")), "it");
    }
}
