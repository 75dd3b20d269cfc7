//! Reloads the register while a service runs.

use std::path::PathBuf;

use affluenza_http::telemetry::{CancellationToken, Files};
use affluenza_register::Register;
use anyhow::Result;

use super::register_files::RegisterFiles;
use crate::settings::Settings;

/// The configured register, whose files may be replaced.
pub struct WatchedRegister {
    settings: Settings,
    /// Files that are watched together with those of the register.
    others: Vec<PathBuf>,
    files: Files,
}

impl WatchedRegister {
    /// Reads the register, and watches its files and `others`.
    pub fn open(settings: &Settings, others: Vec<PathBuf>) -> Result<(Register, Self)> {
        let mut watched = Self {
            settings: settings.clone(),
            others,
            files: Files::default(),
        };
        Ok((watched.read()?, watched))
    }

    /// Waits until a file is replaced, and reads the register again. Returns `None` if `stop` is
    /// triggered first.
    pub async fn replaced(&mut self, stop: &CancellationToken) -> Option<Result<Register>> {
        let were_replaced = self.files.were_replaced(stop).await;
        were_replaced.then(|| tokio::task::block_in_place(|| self.read()))
    }

    /// Passes each new version of the register to `take`, until `stop` is triggered. An invalid file
    /// leaves the old register in use.
    pub async fn follow(mut self, take: impl Fn(Register), stop: CancellationToken) {
        while let Some(read) = self.replaced(&stop).await {
            match read {
                Ok(register) => {
                    take(register);
                    tracing::info!("a replaced register is active");
                }
                Err(error) => tracing::error!(
                    error = format!("{error:#}"),
                    "a replaced register cannot be used: the old one stays active"
                ),
            }
        }
    }

    /// Reads the register. Its files are watched even if one of them is missing or wrong.
    fn read(&mut self) -> Result<Register> {
        let read = RegisterFiles::configured(&self.settings);
        self.files
            .watch(read.paths.into_iter().chain(self.others.clone()));
        read.register
    }
}
