//! SHA-256 checksum lists in the format of `sha256sum`, and the verification of files.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{EngineError, at};

/// File in the folder that records the metadata of the files at their last verification.
const STAMP: &str = ".verified";
const BUFFER_BYTES: usize = 1 << 20;

/// Files of one folder and their checksums.
#[derive(Debug, Clone)]
pub(super) struct Checksums<'a> {
    text: &'a str,
    sums: BTreeMap<&'a str, &'a str>,
}

impl<'a> Checksums<'a> {
    /// Parses a checked-in list with lines of checksum, two spaces and file name.
    pub(super) fn parse(text: &'a str) -> Self {
        let sums = text.lines().filter_map(|line| {
            let (sum, name) = line.split_once("  ")?;
            Some((name, sum))
        });
        Self {
            text,
            sums: sums.collect(),
        }
    }

    /// File names in a fixed order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.sums.keys().copied()
    }

    /// Short identifier of this list, twelve hexadecimal digits.
    pub(super) fn short_digest(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))[..12].to_owned()
    }

    /// Verifies every file of the folder. An unknown file is an error.
    pub(super) fn verify(&self, dir: &Path) -> Result<(), EngineError> {
        for entry in fs::read_dir(dir).map_err(at(dir))? {
            let name = entry.map_err(at(dir))?.file_name();
            let is_known = name
                .to_str()
                .is_some_and(|name| self.sums.contains_key(name));
            if name != STAMP && !is_known {
                return Err(wrong_files(dir, &name, "not expected here"));
            }
        }
        for (name, expected) in &self.sums {
            let path = dir.join(name);
            let found = match sha256(&path) {
                Ok(found) => found,
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    return Err(wrong_files(dir, OsStr::new(name), "missing"));
                }
                Err(cause) => return Err(EngineError::io(&path, cause)),
            };
            if found != *expected {
                return Err(EngineError::WrongChecksum {
                    path,
                    found,
                    expected: (*expected).to_owned(),
                    remove: dir.to_path_buf(),
                });
            }
        }
        Ok(())
    }

    /// Same as [`Checksums::verify`], but skips the verification if the metadata of all files are
    /// unchanged. Calls `slow` before a full verification.
    pub(super) fn verify_cheaply(&self, dir: &Path, slow: &dyn Fn()) -> Result<(), EngineError> {
        let looks = self.looks(dir);
        let stamp = dir.join(STAMP);
        if looks.is_some() && fs::read_to_string(&stamp).ok() == looks {
            return Ok(());
        }
        slow();
        self.verify(dir)?;
        // A read-only cache is verified at each start, which is slow but correct.
        if let Some(looks) = looks
            && let Err(cause) = fs::write(&stamp, looks)
        {
            tracing::debug!(path = %stamp.display(), %cause, "the verification cannot be remembered");
        }
        Ok(())
    }

    /// Collects the metadata of the files: size, modification time and change time.
    fn looks(&self, dir: &Path) -> Option<String> {
        let mut looks = String::new();
        for (name, expected) in &self.sums {
            let meta: Metadata = fs::metadata(dir.join(name)).ok()?;
            looks.push_str(&format!(
                "{expected} {name} {} {}.{} {}.{}\n",
                meta.len(),
                meta.mtime(),
                meta.mtime_nsec(),
                meta.ctime(),
                meta.ctime_nsec()
            ));
        }
        // An extra file also counts: an older version could put it on the class path.
        let count = fs::read_dir(dir)
            .ok()?
            .flatten()
            .filter(|e| e.file_name() != STAMP)
            .count();
        (count == self.sums.len()).then_some(looks)
    }
}

fn wrong_files(dir: &Path, name: &OsStr, problem: &'static str) -> EngineError {
    EngineError::WrongFiles {
        path: dir.join(name),
        problem,
        remove: dir.to_path_buf(),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const LIST: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a.jar\n";

    #[test]
    fn a_verified_folder_is_not_read_again_until_it_looks_different() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.jar"), "hello").unwrap();
        let list = Checksums::parse(LIST);
        let slow = Cell::new(0);
        let verify = || list.verify_cheaply(dir.path(), &|| slow.set(slow.get() + 1));
        verify().unwrap();
        verify().unwrap();
        assert_eq!(slow.get(), 1);
        fs::write(dir.path().join("a.jar"), "hellO").unwrap();
        assert!(matches!(verify(), Err(EngineError::WrongChecksum { .. })));
    }

    #[test]
    fn a_missing_file_and_one_too_many_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let list = Checksums::parse(LIST);
        let missing = list.verify(dir.path()).unwrap_err();
        assert!(
            missing.to_string().contains("a.jar is missing"),
            "{missing}"
        );
        fs::write(dir.path().join("a.jar"), "hello").unwrap();
        fs::write(dir.path().join("b.jar"), "hello").unwrap();
        let extra = list.verify_cheaply(dir.path(), &|| {}).unwrap_err();
        assert!(
            extra.to_string().contains("b.jar is not expected here"),
            "{extra}"
        );
    }
}
