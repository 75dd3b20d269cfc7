use serde::{Deserialize, Serialize};

/// Publisher and address of the open data. A catalogue without them is not valid.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the public body that publishes.
    pub publisher: String,
    /// IPA code of that public body.
    pub publisher_ipa: String,
    /// E-mail address for questions about the data.
    pub contact: String,
    /// Address under which the files are found, such as `https://dati.example.it/affluenza`.
    pub base_url: String,
}

/// A [`Config`] with every setting given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    pub(crate) name: String,
    pub(crate) ipa: String,
    pub(crate) contact: String,
    /// Address without a slash at the end.
    pub(crate) base_url: String,
}

/// Settings that the catalogue needs, and that are missing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not configured, and a catalogue must name it: {}", .0.join(", "))]
pub struct Incomplete(Vec<&'static str>);

impl Config {
    /// Returns the settings that the catalogue needs.
    ///
    /// # Errors
    /// Names all settings that are missing or not valid.
    pub fn publisher(&self) -> Result<Publisher, Incomplete> {
        let is_address =
            self.base_url.starts_with("https://") || self.base_url.starts_with("http://");
        let problems: Vec<&'static str> = [
            (self.publisher.trim().is_empty(), "open_data.publisher"),
            (
                self.publisher_ipa.trim().is_empty(),
                "open_data.publisher_ipa",
            ),
            (
                !self.contact.contains('@'),
                "open_data.contact (an e-mail address)",
            ),
            (!is_address, "open_data.base_url (https://...)"),
        ]
        .into_iter()
        .filter_map(|(is_missing, name)| is_missing.then_some(name))
        .collect();
        if !problems.is_empty() {
            return Err(Incomplete(problems));
        }
        Ok(Publisher {
            name: self.publisher.trim().to_owned(),
            ipa: self.publisher_ipa.trim().to_owned(),
            contact: self.contact.trim().to_owned(),
            base_url: self.base_url.trim_end_matches('/').to_owned(),
        })
    }
}
