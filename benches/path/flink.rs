//! Apache Flink with its Kafka and JDBC connectors. Takes part only if Maven can build it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::contender::{Contender, Target};
use crate::in_sql;
use crate::limits::{self, Ready};
use crate::support::Running;

/// Folder of the source and the settings.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/flink");

/// Path of the built program, a JAR. Prints the reason and returns `None` if it cannot be built or
/// run.
pub fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let left_out = |why: String| eprintln!("left out: {}: {why}", Contender::Flink);
        build().map_err(left_out).ok()
    });
    program.as_deref()
}

fn build() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers/flink");
    eprintln!(
        "building {}; the first build takes minutes",
        Contender::Flink
    );
    Command::new("java")
        .arg("-version")
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("Java cannot be run ({error}); install a JDK from 17 on"))?;
    let status = Command::new("mvn")
        .args(["-q", "-B", "-Dstyle.color=never", "package"])
        .arg(format!("-Dbuild.folder={}", folder.display()))
        .current_dir(SOURCE)
        .status()
        .map_err(|error| format!("Maven cannot be run ({error}); install Maven and a JDK"))?;
    if status.success() {
        Ok(folder.join("flink-peer.jar"))
    } else {
        Err(format!(
            "`mvn package` in {SOURCE} failed ({status}), see above"
        ))
    }
}

/// Creates the target tables, writes the settings, and starts Flink. Its job then waits to be
/// submitted: the start is not measured, because a cluster usually runs before a job is submitted.
pub fn start(target: &Target<'_, '_>) -> (Running, Ready) {
    in_sql::make_categories(target);
    let tables = include_str!("../peers/flink/flink_texts.sql");
    in_sql::make_texts(target, "flink_texts", tables);
    let mut command = Command::new("java");
    command
        // A fixed heap with 640 MiB for new objects halved the cost of garbage collection.
        .args(["-Xms1g", "-Xmx1g", "-Xmn640m", "-XX:+UseParallelGC"])
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
        .arg(format!(
            "-Djava.io.tmpdir={}",
            target.place.folder.display()
        ))
        .arg("-jar")
        .arg(program().expect("it takes part only where it is built"))
        .arg(settings(target))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut cluster = Running(command.spawn().expect("Java starts"));
    let ready = limits::wait_until_ready(&mut cluster.0);
    (cluster, ready)
}

/// Writes the settings of one run to a file.
fn settings(target: &Target<'_, '_>) -> PathBuf {
    let bus = target.place.bus();
    let settings = include_str!("../peers/flink/flink.properties")
        .replace("{brokers}", &bus.bootstrap_servers)
        .replace("{topic}", &bus.topic)
        .replace("{group}", &target.group)
        .replace("{address}", &target.access.address)
        .replace("{user}", &target.access.user)
        .replace("{password}", &target.access.password)
        .replace("{database}", &target.access.database);
    let name = format!("{}.properties", target.group);
    let file = target.place.folder.join(name);
    std::fs::write(&file, settings).expect("the settings can be written");
    file
}

/// Waits until all events are written.
pub fn wait(target: &Target<'_, '_>, cluster: &mut Running, events: u64) {
    in_sql::wait_for(target, events, || {
        assert!(!cluster.has_ended(), "Flink runs on");
    });
}
