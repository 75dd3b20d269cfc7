//! External commands: Java and the package clients.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::EngineError;

/// Oldest Java version that Kafka 4 supports.
const JAVA_MIN: u32 = 17;

/// A working Java.
#[derive(Debug, Clone)]
pub(super) struct Java {
    pub path: PathBuf,
    /// Version as Java reports it, such as `17.0.15`.
    pub version: String,
}

/// Finds the `java` in `JAVA_HOME`, else on the PATH, and checks its version.
pub(super) fn find_java() -> Result<Java, EngineError> {
    java_of(std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()))
}

fn java_of(home: Option<OsString>) -> Result<Java, EngineError> {
    let (path, looked) = match home {
        Some(home) => {
            let path = Path::new(&home).join("bin").join("java");
            // The command runs in another working directory.
            let path = std::path::absolute(&path).unwrap_or(path);
            let looked = format!("at {} (from JAVA_HOME)", path.display());
            (path, looked)
        }
        None => (PathBuf::from("java"), "on the PATH".to_owned()),
    };
    let output = Command::new(&path)
        .arg("-version")
        .stdin(Stdio::null())
        .output();
    let version = match output {
        // Java prints its version to standard error.
        Ok(output) if output.status.success() => {
            version(&String::from_utf8_lossy(&output.stderr)).map(str::to_owned)
        }
        _ => None,
    };
    match version {
        None => Err(EngineError::NoJava { looked }),
        Some(found) if major(&found).is_none_or(|major| major < JAVA_MIN) => {
            Err(EngineError::OldJava { path, found })
        }
        Some(version) => Ok(Java { path, version }),
    }
}

/// Extracts the quoted version from `openjdk version "17.0.15" 2025-04-15`.
fn version(text: &str) -> Option<&str> {
    text.lines()
        .find(|line| line.contains("version"))?
        .split('"')
        .nth(1)
}

/// Extracts the major version: 17 from `17.0.15`, 8 from `1.8.0_402`, 25 from `25-ea`.
fn major(version: &str) -> Option<u32> {
    let mut parts = version
        .split(['.', '-', '+', '_'])
        .map(|part| part.parse().ok());
    match parts.next()?? {
        1 => parts.next()?,
        major => Some(major),
    }
}

/// An invocation of a package client.
pub(super) struct Fetch<'a> {
    pub tool: &'static str,
    pub what: &'static str,
    pub cache: &'a Path,
    pub dir: &'a Path,
}

impl Fetch<'_> {
    /// Runs the client and waits for its end.
    pub(super) fn run(&self, args: &[&OsStr]) -> Result<(), EngineError> {
        let output = Command::new(self.tool)
            .args(args)
            .current_dir(self.dir)
            .stdin(Stdio::null())
            .output();
        let output = match output {
            Ok(output) => output,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(EngineError::NoTool {
                    tool: self.tool,
                    what: self.what,
                    cache: self.cache.to_path_buf(),
                });
            }
            Err(cause) => {
                return Err(EngineError::Spawn {
                    program: self.tool.into(),
                    cause,
                });
            }
        };
        if output.status.success() {
            return Ok(());
        }
        let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        if text.contains("ENOSPC") || text.contains("No space left on device") {
            return Err(EngineError::DiskFull {
                path: self.cache.to_path_buf(),
            });
        }
        Err(EngineError::Fetch {
            tool: self.tool,
            what: self.what,
            detail: telling_line(&text),
        })
    }
}

/// Returns the first error line, which names the cause; both clients print many.
fn telling_line(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.retain(|line| !line.is_empty());
    let line = lines
        .iter()
        .find(|line| line.starts_with("[ERROR]") || line.contains("npm error"))
        .or(lines.last())
        .map_or("it printed nothing", |line| line);
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_old_and_new_javas_are_read() {
        let text = "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment\n";
        assert_eq!(version(text), Some("17.0.15"));
        assert_eq!(major("17.0.15"), Some(17));
        assert_eq!(major("1.8.0_402"), Some(8));
        assert_eq!(major("25-ea"), Some(25));
        assert_eq!(major("x"), None);
    }

    #[test]
    fn a_missing_and_an_old_java_differ() {
        let home = tempfile::tempdir().unwrap();
        let find = || java_of(Some(home.path().into()));
        let missing = find().unwrap_err();
        assert!(matches!(missing, EngineError::NoJava { .. }));
        assert!(
            missing.to_string().contains("(from JAVA_HOME)"),
            "{missing}"
        );

        let java = home.path().join("bin/java");
        std::fs::create_dir(home.path().join("bin")).unwrap();
        let script = "#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n";
        // Another process writes the file: a file that this process or a forked child has open for
        // writing cannot be executed.
        let written = Command::new("sh")
            .args([
                "-c",
                "printf %s \"$0\" > \"$1\" && chmod 755 \"$1\"",
                script,
            ])
            .arg(&java)
            .status();
        assert!(written.unwrap().success());
        let old = find().unwrap_err();
        assert!(
            matches!(&old, EngineError::OldJava { found, .. } if found == "11.0.2"),
            "{old}"
        );
    }

    #[test]
    fn the_cause_is_found_among_a_clients_lines() {
        let maven = "noise\n[ERROR] no route\n[ERROR] more\n";
        assert_eq!(telling_line(maven), "[ERROR] no route");
        assert_eq!(telling_line(""), "it printed nothing");
    }

    #[test]
    fn a_missing_and_a_failing_client_differ() {
        let dir = std::env::temp_dir();
        let fetch = |tool| Fetch {
            tool,
            what: "x",
            cache: &dir,
            dir: &dir,
        };
        let missing = fetch("affluenza-no-such-tool").run(&[]).unwrap_err();
        assert!(matches!(missing, EngineError::NoTool { .. }));
        assert!(matches!(
            fetch("false").run(&[]),
            Err(EngineError::Fetch { .. })
        ));
    }
}
