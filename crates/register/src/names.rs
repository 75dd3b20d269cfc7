//! How names are compared: people write the same ente in a dozen ways.

/// The form in which a code, name or alias is compared: letters without accents in lower case,
/// and digits; everything else is dropped. `Borgo S.Lorenzo` and `borgo_s_lorenzo` are equal,
/// `Città Metropolitana` and `citta metropolitana` too.
pub(crate) fn key(text: &str) -> String {
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

/// The plain letter of an accented one used in Italy and its neighbours; letters of other
/// scripts stand for themselves, signs for nothing.
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
