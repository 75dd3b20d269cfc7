//! Fetches Kafka's jars and finds Java.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::checksums::Checksums;
use super::tools::{Fetch, find_java};
use super::{Cache, FileSet, make_dir};
use crate::error::{EngineError, at};

const POM: &str = include_str!("../../../../deploy/kafka/pom.xml");
const SUMS: &str = include_str!("../../../../deploy/kafka/jars.sha256");

/// Verified Kafka jars, and the Java that runs them.
#[derive(Debug, Clone)]
pub struct KafkaJars {
    java: PathBuf,
    class_path: OsString,
    archive: PathBuf,
}

impl KafkaJars {
    /// Path of the `java` command.
    pub fn java(&self) -> &Path {
        &self.java
    }

    /// Class path in a fixed order. A class archive is valid for one order only.
    pub fn class_path(&self) -> &OsStr {
        &self.class_path
    }

    /// Returns the class archive of this Java, with the exclusive right to create it if it is missing.
    pub(crate) fn class_archive(&self) -> ClassArchive {
        let path = self.archive.clone();
        let claim = if path.exists() { None } else { claim(&path) };
        ClassArchive { path, claim }
    }
}

fn claim(archive: &Path) -> Option<File> {
    make_dir(archive.parent()?).ok()?;
    let claim = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(archive.with_extension("lock"))
        .ok()?;
    claim.try_lock().ok()?;
    Some(claim)
}

/// Java's archive of the classes that Kafka loads. It halves the start time of Kafka (1.3 s instead
/// of 2.0 s on two cores). Java writes the archive at the end of a run, which takes about 2.5 s, so
/// only the first run does.
#[derive(Debug)]
pub(crate) struct ClassArchive {
    path: PathBuf,
    /// Lock of the run that writes the archive. `None` if the archive exists or another run writes
    /// it.
    claim: Option<File>,
}

impl ClassArchive {
    /// Java option to use an existing archive.
    pub(crate) fn use_option(&self) -> Option<OsString> {
        let is_ready = self.claim.is_none() && self.path.exists();
        is_ready.then(|| option("-XX:SharedArchiveFile=", &self.path))
    }

    /// Java option to use the archive, or to write it at exit.
    pub(crate) fn use_or_write_option(&self) -> Option<OsString> {
        match self.claim {
            Some(_) => Some(option("-XX:ArchiveClassesAtExit=", &self.draft())),
            None => self.use_option(),
        }
    }

    /// Moves a new archive to its final path after a clean stop.
    pub(crate) fn finish(self) {
        if self.claim.is_some()
            && let Err(cause) = fs::rename(self.draft(), &self.path)
        {
            tracing::debug!(path = %self.path.display(), %cause, "no class archive was written");
        }
    }

    fn draft(&self) -> PathBuf {
        self.path.with_extension("draft")
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

impl Cache {
    /// Finds Java and Kafka's jars, and fetches missing jars with Maven. `progress` receives a
    /// message before each long step.
    ///
    /// Blocks: seconds for a fetch, otherwise some tens of milliseconds.
    ///
    /// # Errors
    /// Java or Maven is missing, the fetch failed, or a jar has the wrong checksum.
    pub fn prepare_kafka(&self, progress: &dyn Fn(&str)) -> Result<KafkaJars, EngineError> {
        // Java comes first: without it, fetching the jars is useless.
        let java = find_java()?;
        let checksums = Checksums::parse(SUMS);
        let set = FileSet {
            title: "Kafka's jars",
            name: "kafka",
            checksums,
            // The jars take 44 MiB.
            room_bytes: 64 << 20,
        };
        let home = self.obtain(&set, progress, &|work, files| fetch(self, work, files))?;
        let jars = set.checksums.names().map(|name| home.join(name));
        let class_path = std::env::join_paths(jars).map_err(|_| EngineError::Setting {
            what: "the cache folder",
            value: self.dir().display().to_string(),
            mend: "Java cannot use a path with a colon, choose another folder",
        })?;
        let archive = format!(
            "{}-java-{}.jsa",
            set.folder_name(),
            &hex::encode(Sha256::digest(format!(
                "{} {}",
                java.version,
                java.path.display()
            )))[..12]
        );
        let archive = self.dir().join("class-archives").join(archive);
        Ok(KafkaJars {
            java: java.path,
            class_path,
            archive,
        })
    }
}

fn fetch(cache: &Cache, work: &Path, files: &Path) -> Result<(), EngineError> {
    let pom = work.join("pom.xml");
    fs::write(&pom, POM).map_err(at(&pom))?;
    let mut output = OsString::from("-DoutputDirectory=");
    output.push(files);
    let fetch = Fetch {
        tool: "mvn",
        what: "Kafka's jars",
        cache: cache.dir(),
        dir: work,
    };
    let goal = "dependency:copy-dependencies";
    let words = ["-q", "-B", "-C", "-f", "pom.xml", goal].map(OsStr::new);
    fetch.run(&[words.as_slice(), &[&output]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_jars_are_those_of_the_pom() {
        let names: Vec<_> = Checksums::parse(SUMS).names().collect();
        let version = POM
            .split("<kafka.version>")
            .nth(1)
            .unwrap()
            .split('<')
            .next()
            .unwrap();
        assert!(names.contains(&format!("kafka_2.13-{version}.jar").as_str()));
        assert_eq!(names.len(), SUMS.lines().count());
    }
}
