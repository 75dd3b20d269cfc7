//! Java and Kafka's jars.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::checksums::{Checksums, hex};
use super::tools::{Fetch, find_java};
use super::{Cache, FileSet, make_dir};
use crate::error::{EngineError, at};

const POM: &str = include_str!("../../../../deploy/kafka/pom.xml");
const SUMS: &str = include_str!("../../../../deploy/kafka/jars.sha256");

/// A verified set of Kafka's jars, and the Java to run them with.
#[derive(Debug, Clone)]
pub struct KafkaJars {
    java: PathBuf,
    class_path: OsString,
    archive: PathBuf,
}

impl KafkaJars {
    /// The `java` command.
    pub fn java(&self) -> &Path {
        &self.java
    }

    /// The jars in a fixed order: an archive of loaded classes holds for one order only.
    pub fn class_path(&self) -> &OsStr {
        &self.class_path
    }

    /// The archive of this Java's loaded classes, or the right to make it.
    pub(crate) fn class_archive(&self) -> ClassArchive {
        if self.archive.exists() {
            return ClassArchive::Ready(self.archive.clone());
        }
        self.claim_archive().unwrap_or(ClassArchive::None)
    }

    fn claim_archive(&self) -> Option<ClassArchive> {
        make_dir(self.archive.parent()?).ok()?;
        let claim = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.archive.with_extension("lock"))
            .ok()?;
        claim.try_lock().ok()?;
        let draft = self.archive.with_extension("draft");
        Some(ClassArchive::Draft {
            draft,
            archive: self.archive.clone(),
            _claim: claim,
        })
    }
}

/// Java's archive of the classes that Kafka loads. With it Kafka starts in half the
/// time (measured on two cores: 1.3 s instead of 2.0 s). Java writes it at the
/// end of a run, which takes some 2.5 s, so one run, the first, is asked to.
#[derive(Debug)]
pub(crate) enum ClassArchive {
    /// It is there.
    Ready(PathBuf),
    /// It is not, and this run is to write it.
    Draft {
        /// Where Java writes it.
        draft: PathBuf,
        /// Its final name.
        archive: PathBuf,
        /// Keeps others from writing it too.
        _claim: File,
    },
    /// It is not, and another run is writing it.
    None,
}

impl ClassArchive {
    /// The option for a run that uses it.
    pub(crate) fn use_option(&self) -> Option<OsString> {
        match self {
            Self::Ready(path) => Some(option("-XX:SharedArchiveFile=", path)),
            Self::Draft { .. } | Self::None => None,
        }
    }

    /// The option for a run that uses it, or writes it at its end.
    pub(crate) fn use_or_write_option(&self) -> Option<OsString> {
        match self {
            Self::Draft { draft, .. } => Some(option("-XX:ArchiveClassesAtExit=", draft)),
            Self::Ready(_) | Self::None => self.use_option(),
        }
    }

    /// Puts a newly written archive in place, after a clean end of the run.
    pub(crate) fn finish(self) {
        if let Self::Draft { draft, archive, .. } = self
            && let Err(cause) = fs::rename(&draft, &archive)
        {
            tracing::debug!(path = %draft.display(), %cause, "no class archive was written");
        }
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

pub(super) fn prepare(cache: &Cache, progress: &dyn Fn(&str)) -> Result<KafkaJars, EngineError> {
    // Asked first: there is no use in fetching what cannot be run.
    let java = find_java()?;
    let checksums = Checksums::parse(SUMS);
    let set = FileSet {
        title: "Kafka's jars",
        name: "kafka",
        checksums,
        // 44 MiB of jars.
        room_bytes: 64 << 20,
    };
    let home = cache.obtain(&set, progress, &|work, files| fetch(cache, work, files))?;
    let jars = set.checksums.names().map(|name| home.join(name));
    let class_path = std::env::join_paths(jars).map_err(|_| EngineError::Setting {
        what: "the cache folder",
        value: cache.dir().display().to_string(),
        mend: "Java cannot use a path with a colon, choose another folder",
    })?;
    let archive = format!(
        "{}-java-{}.jsa",
        set.folder_name(),
        &hex(&Sha256::digest(format!(
            "{} {}",
            java.version,
            java.path.display()
        )))[..12]
    );
    let archive = cache.dir().join("class-archives").join(archive);
    Ok(KafkaJars {
        java: java.path,
        class_path,
        archive,
    })
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
