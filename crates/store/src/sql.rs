//! SQL texts: string literals, and statements with named parameters.

/// Returns `text` as an SQL string literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Joins the texts of an SQL list.
pub(crate) fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// Fills in the parameters of a statement, which stand in it as `{name}`. Values are not searched
/// for parameters. Other text in braces stays.
pub(crate) fn filled(template: &str, parameters: &[(&str, &str)]) -> String {
    let mut pieces = template.trim().split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let parameter = piece.split_once('}').and_then(|(name, rest)| {
            let found = parameters.iter().find(|(known, _)| *known == name)?;
            Some((found.1, rest))
        });
        let (value, rest) = parameter.unwrap_or(("{", piece));
        text.push_str(value);
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted(r"a'b\c"), r"'a\'b\\c'");
    }

    #[test]
    fn values_are_not_searched_for_parameters() {
        let parameters = [("a", "{b}"), ("b", "1")];
        assert_eq!(
            filled("SELECT {a}, '{shard}', {b}{b}\n", &parameters),
            "SELECT {b}, '{shard}', 11"
        );
    }
}
