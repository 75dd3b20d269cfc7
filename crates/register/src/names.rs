//! Normalises names for comparison: people spell the same ente in a dozen ways.

/// Returns the comparison key of a code, name or alias: lower-case letters without accents, and
/// digits. Everything else is dropped. `Borgo S.Lorenzo` equals `borgo_s_lorenzo`, and `Città
/// Metropolitana` equals `citta metropolitana`.
pub fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            'a'..='z' | '0'..='9' => key.push(letter),
            'A'..='Z' => key.push(letter.to_ascii_lowercase()),
            _ if letter.is_ascii() => {}
            _ => key.extend(letter.to_lowercase().filter_map(unaccented)),
        }
    }
    key
}

/// Removes the accent from a letter of Italian and neighbouring languages. Letters of other scripts
/// stay as they are; other characters are dropped.
fn unaccented(letter: char) -> Option<char> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        'š' => 's',
        'ž' => 'z',
        'č' => 'c',
        other if other.is_alphanumeric() => other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_punctuation_do_not_count() {
        assert_eq!(key("Borgo S.Lorenzo"), key("borgo_s_lorenzo"));
        assert_eq!(key("Città Metropolitana"), "cittametropolitana");
        assert_eq!(key("CITTÀ METROPOLITANA"), "cittametropolitana");
        assert_eq!(key("Rignano sull’Arno"), key("rignano_sull_arno"));
        assert_eq!(key("c_d612"), "cd612");
        assert_eq!(key("–·–"), "");
    }
}
