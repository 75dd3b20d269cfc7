//! Fetches the ClickHouse library.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::checksums::Checksums;
use super::tools::Fetch;
use super::{Cache, FileSet};
use crate::error::{EngineError, at};

const PACKAGE: &str = include_str!("../../../../deploy/clickhouse/package.json");
const LOCK: &str = include_str!("../../../../deploy/clickhouse/package-lock.json");
const SUMS: &str = include_str!("../../../../deploy/clickhouse/libchdb.sha256");
/// Path of the library's folder after npm has unpacked the package.
const IN_PACKAGE: &str = "node_modules/@chdb/lib-linux-x64-gnu";
const LIBRARY: &str = "libchdb.so";

/// A verified ClickHouse library.
#[derive(Debug, Clone)]
pub struct ClickHouseLibrary {
    path: PathBuf,
}

impl ClickHouseLibrary {
    /// Path of the library file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Cache {
    /// Finds the ClickHouse library, and fetches it with npm if it is missing. `progress` receives
    /// a message before each long step.
    ///
    /// Blocks: about ten seconds for a fetch, about a second for a full verification, otherwise
    /// hardly at all.
    ///
    /// # Errors
    /// npm is missing, the fetch failed, or the library has the wrong checksum.
    pub fn prepare_clickhouse(
        &self,
        progress: &dyn Fn(&str),
    ) -> Result<ClickHouseLibrary, EngineError> {
        if !cfg!(all(
            target_os = "linux",
            target_arch = "x86_64",
            target_env = "gnu"
        )) {
            return Err(EngineError::Setting {
                what: "the platform of the local ClickHouse",
                value: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
                mend: "its library exists for x86_64 Linux with glibc only, configure an external ClickHouse",
            });
        }
        let checksums = Checksums::parse(SUMS);
        let set = FileSet {
            title: "the ClickHouse library",
            name: "clickhouse",
            checksums,
            // The package takes 570 MiB.
            room_bytes: 700 << 20,
        };
        let home = self.obtain(&set, progress, &|work, files| fetch(self, work, files))?;
        Ok(ClickHouseLibrary {
            path: home.join(LIBRARY),
        })
    }
}

fn fetch(cache: &Cache, work: &Path, files: &Path) -> Result<(), EngineError> {
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        let path = work.join(name);
        fs::write(&path, text).map_err(at(&path))?;
    }
    let fetch = Fetch {
        tool: "npm",
        what: "the ClickHouse library",
        cache: cache.dir(),
        dir: work,
    };
    let words = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--no-color",
    ];
    fetch.run(&words.map(OsStr::new))?;
    // Only the library is kept. The rest of the package is for JavaScript programs.
    let library = work.join(IN_PACKAGE).join(LIBRARY);
    fs::rename(&library, files.join(LIBRARY)).map_err(at(&library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_pins_the_package_by_integrity_and_names_no_address() {
        assert!(LOCK.contains("\"integrity\": \"sha512-"));
        assert!(!LOCK.contains("resolved"));
        let version = PACKAGE.split("lib-linux-x64-gnu\": \"").nth(1).unwrap();
        let version = version.split('"').next().unwrap();
        assert!(LOCK.contains(&format!("\"version\": \"{version}\"")));
        assert_eq!(
            Checksums::parse(SUMS).names().collect::<Vec<_>>(),
            [LIBRARY]
        );
    }
}
