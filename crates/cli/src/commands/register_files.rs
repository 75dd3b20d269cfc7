//! Reads the files of a register.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use affluenza_register::{Register, self_contained};
use anyhow::{Context, Result, anyhow};

use crate::settings::Settings;

/// Example register, built into the program.
const EXAMPLE: &str = include_str!("../../../../deploy/register.toml");

/// A register with the text of its files.
pub struct RegisterFiles {
    /// Text of the first file; that of the example without a configured file.
    text: String,
    /// Texts of the files that it names.
    contents: BTreeMap<String, String>,
    /// Every file of the register, also those that are missing.
    pub paths: Vec<PathBuf>,
    /// The register, or its problems.
    pub register: Result<Register>,
}

impl RegisterFiles {
    /// Reads the configured register.
    pub fn configured(settings: &Settings) -> Self {
        let file = &settings.register.file;
        if !file.as_os_str().is_empty() {
            return Self::read(file);
        }
        Self {
            text: EXAMPLE.to_owned(),
            contents: BTreeMap::new(),
            paths: Vec::new(),
            register: Register::parse(EXAMPLE)
                .map_err(|errors| anyhow!("the example register: {errors}")),
        }
    }

    /// Reads the register in `file`, and the files that it names.
    pub fn read(file: &Path) -> Self {
        let mut files = Self {
            text: String::new(),
            contents: BTreeMap::new(),
            paths: vec![file.to_owned()],
            register: Err(anyhow!("not read")),
        };
        files.register = files.parse(file);
        files
    }

    /// Returns the register and its files as one text.
    pub fn sealable(self) -> Result<(Register, String)> {
        Ok((self.register?, self_contained(&self.text, &self.contents)))
    }

    fn parse(&mut self, file: &Path) -> Result<Register> {
        let name = file.display();
        self.text = text_of(file)
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("register {name} cannot be read"))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let (contents, paths) = (&mut self.contents, &mut self.paths);
        let open = |name: &str| {
            let path = folder.join(name);
            let text = text_of(&path);
            paths.push(path);
            if let Ok(text) = &text {
                contents.insert(name.to_owned(), text.clone());
            }
            text
        };
        Register::read(&self.text, open).with_context(|| format!("register {name}"))
    }
}

/// Reads a text file, or returns the reason why it cannot be read.
pub fn text_of(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| {
        let (before, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!(
            "line {line} is not UTF-8: save it as \"CSV UTF-8\", or with the character set UTF-8"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;

    #[test]
    fn further_files_are_read_from_the_folder_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("register.toml", b"[files]\nenti = [\"enti.csv\"]\n");
        let main = folder.path().join("register.toml");
        let files = RegisterFiles::read(&main);
        assert_eq!(files.paths, [main.clone(), folder.path().join("enti.csv")]);
        let error = output::chain(&files.register.unwrap_err());
        assert!(
            error.contains("register.toml: line 2: \"enti.csv\" cannot be read: No such file"),
            "{error}"
        );

        write("enti.csv", b"code,name,kind\nc_a,Citt\xe0,comune\n");
        let error = output::chain(&RegisterFiles::read(&main).register.unwrap_err());
        assert!(error.contains("line 2 is not UTF-8"), "{error}");

        write("enti.csv", "code,name,kind\nc_a,Città,comune\n".as_bytes());
        let (register, text) = RegisterFiles::read(&main).sealable().unwrap();
        assert_eq!(register.ente("c_a").unwrap().name(), "Città");
        let sealed = Register::parse(&text).unwrap();
        assert_eq!(sealed.version(), register.version());
    }
}
