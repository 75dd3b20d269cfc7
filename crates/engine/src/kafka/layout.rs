//! Files in Kafka's folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::properties::{self, Ports};
use super::{ClusterMember, KafkaSettings};
use crate::error::{EngineError, at};
use crate::folder::DataDir;
use crate::logs::LOGS;

pub(super) const SERVER_LOG: &str = "server.log";
pub(super) const SERVER_PROPERTIES: &str = "server.properties";
pub(super) const FORMAT_PROPERTIES: &str = "format.properties";
const DATA: &str = "data";
const FORMATTING: &str = "data.formatting";
/// File that Kafka writes into a formatted folder.
const META: &str = "meta.properties";

/// Logging configuration: one file of bounded size, and one older generation. The file name is a
/// system property, because the formatting tool and the server share this configuration.
const LOG4J2: &str = include_str!("../../assets/log4j2.xml");

/// Kafka's folder.
pub(super) struct KafkaFolder {
    dir: PathBuf,
}

impl KafkaFolder {
    /// Creates the subfolders and the logging configuration.
    pub(super) fn prepare(folder: &DataDir) -> Result<Self, EngineError> {
        folder.sub(LOGS)?;
        // Removes files that an earlier, killed run unpacked.
        let tmp = folder.path().join("tmp");
        if tmp.exists() {
            fs::remove_dir_all(&tmp).map_err(at(&tmp))?;
        }
        folder.sub("tmp")?;
        let layout = Self {
            dir: folder.path().to_path_buf(),
        };
        layout.write("log4j2.xml", LOG4J2)?;
        Ok(layout)
    }

    /// True if the data folder has been formatted.
    pub(super) fn is_formatted(&self) -> bool {
        self.dir.join(DATA).join(META).exists()
    }

    /// Prepares the formatting of a temporary folder. It is renamed only when complete, so a killed
    /// start leaves no half-formatted data folder. Returns the cluster id: that of the member, or a
    /// new one.
    pub(super) fn start_format(
        &self,
        member: Option<&ClusterMember>,
    ) -> Result<String, EngineError> {
        let dir = self.dir.join(FORMATTING);
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(at(&dir))?;
        }
        // The tool requires ports in the configuration, but does not bind them.
        let text = properties::server(&Ports::UNUSED, FORMATTING, &BTreeMap::new(), member);
        self.write(FORMAT_PROPERTIES, &text)?;
        Ok(member.map_or_else(new_cluster_id, |member| member.cluster.clone()))
    }

    /// Syncs the formatted folder to disk and moves it to its final path.
    pub(super) fn finish_format(&self) -> Result<(), EngineError> {
        let path = self.dir.join(DATA);
        self.place(&path).map_err(at(&path))
    }

    fn place(&self, path: &Path) -> io::Result<()> {
        let folder = fs::File::open(&self.dir)?;
        rustix::fs::syncfs(&folder)?;
        fs::rename(self.dir.join(FORMATTING), path)?;
        folder.sync_all()
    }

    /// Reads the cluster id of the formatted folder.
    pub(super) fn cluster_id(&self) -> Result<String, EngineError> {
        let path = self.dir.join(DATA).join(META);
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("cluster.id="));
        // Backslashes escape colons and similar characters in such files; a cluster id has neither.
        id.map(str::to_owned).ok_or_else(|| EngineError::Io {
            path,
            cause: std::io::Error::other(
                "the line cluster.id is missing, restore the folder from a backup",
            ),
        })
    }

    /// Writes the configuration of the server for these ports.
    pub(super) fn write_server_properties(
        &self,
        ports: &Ports,
        settings: &KafkaSettings,
    ) -> Result<(), EngineError> {
        let mut extra = settings.properties.clone();
        if settings.sync_writes {
            extra.extend(properties::SYNCED.map(|(key, value)| (key.to_owned(), value.to_owned())));
        }
        let text = properties::server(ports, DATA, &extra, settings.member.as_ref());
        self.write(SERVER_PROPERTIES, &text)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), EngineError> {
        let path = self.dir.join(Path::new(name));
        fs::write(&path, text).map_err(at(&path))
    }
}

/// Generates a cluster id like Kafka: sixteen random bytes in URL-safe base64. The formatting tool
/// would read a leading dash as an option.
fn new_cluster_id() -> String {
    loop {
        let id = BASE64_URL_SAFE_NO_PAD.encode(crate::random::<16>());
        if !id.starts_with('-') {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_ids_are_well_formed_and_differ() {
        let (one, two) = (new_cluster_id(), new_cluster_id());
        assert_eq!((one.len(), one == two), (22, false));
    }
}
