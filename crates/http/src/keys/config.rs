use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Default file name in the data folder.
const NAME: &str = "keys.toml";

/// Location of the key file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Path of the key file. Empty means `keys.toml` in the data folder. The log of administrative
    /// access is in the same folder.
    pub file: PathBuf,
}

impl Config {
    /// Returns the path of the key file for the data folder `data`.
    pub fn file_in(&self, data: &Path) -> PathBuf {
        if self.file.as_os_str().is_empty() {
            data.join(NAME)
        } else {
            self.file.clone()
        }
    }
}
