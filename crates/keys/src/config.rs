use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the file in the data folder, where no other is configured.
const NAME: &str = "keys.toml";

/// Where the keys are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// File of the keys. Empty: `keys.toml` in the data folder. The log of administrative access
    /// is beside it.
    pub file: PathBuf,
}

impl Config {
    /// The file, given the data folder.
    pub fn file_in(&self, data: &Path) -> PathBuf {
        if self.file.as_os_str().is_empty() {
            data.join(NAME)
        } else {
            self.file.clone()
        }
    }
}
