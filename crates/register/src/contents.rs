//! A register of several files as one text.

use std::collections::BTreeMap;

use toml::Table;

/// Returns the first file of a register together with the texts of the files that it names, so that
/// [`Register::parse`](crate::Register::parse) reads the text without any file. A seal keeps this
/// text. Without further files it is the first file, unchanged.
pub fn self_contained(text: &str, files: &BTreeMap<String, String>) -> String {
    if files.is_empty() {
        return text.to_owned();
    }
    let texts = files.iter();
    let texts: Table = texts
        .map(|(name, text)| (name.clone(), text.as_str().into()))
        .collect();
    let contents = Table::from_iter([("contents".to_owned(), texts.into())]);
    format!("{}\n\n{contents}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Register;

    proptest! {
        #[test]
        fn the_text_holds_every_file(
            files in prop::collection::btree_map("[^\\p{C}]{1,12}", "(\\PC|[\r\n\"'\\\\]){0,80}", 1..4)
        ) {
            let table: Table = self_contained("[files]\nenti = []", &files).parse().unwrap();
            let unix = |text: &str| text.replace("\r\n", "\n");
            for (name, text) in &files {
                let held = table["contents"][name.as_str()].as_str().unwrap();
                prop_assert_eq!(unix(held), unix(text));
            }
        }
    }

    #[test]
    fn it_is_the_same_register() {
        let main = "[files]\nenti = [\"enti.csv\"]\n";
        let files = BTreeMap::from([(
            "enti.csv".to_owned(),
            "\u{feff}code;name;kind\r\nc_a;\"Al\"\"fa\"\"\";comune\r\n".to_owned(),
        )]);
        let read = Register::read(main, |name| Ok(files[name].clone())).unwrap();
        let parsed = Register::parse(&self_contained(main, &files)).unwrap();
        assert_eq!(parsed.ente("c_a").unwrap().name(), "Al\"fa\"");
        assert_eq!(parsed.version(), read.version());
        assert!(Register::parse(main).is_err());
        assert_eq!(self_contained(main, &BTreeMap::new()), main);
    }
}
