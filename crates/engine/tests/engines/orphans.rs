//! Tests that the engines end when their parent is killed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use affluenza_engine::{ClickHouse, ClickHouseSettings, ExitStatus, Kafka, KafkaSettings};

use crate::{jars, library, procs, runtime};

/// Argument that turns this program into a parent to be killed.
const PARENT: &str = "__parent";

/// Returns the folder for the engines if this process is such a parent.
pub fn parent_folder() -> Option<PathBuf> {
    let mut args = std::env::args_os().skip(1);
    (args.next().as_deref() == Some(OsStr::new(PARENT))).then(|| args.next().unwrap().into())
}

/// Starts both engines, prints their process ids, and waits to be killed.
pub fn run_parent(dir: &Path) {
    runtime().block_on(async {
        let kafka = Kafka::start(&kafka_settings(dir), &jars()).await.unwrap();
        let clickhouse = ClickHouse::start(&clickhouse_settings(dir), &library())
            .await
            .unwrap();
        println!("{} {}", kafka.pid(), clickhouse.pid());
        std::io::stdout().flush().unwrap();
        std::future::pending::<()>().await;
    });
}

fn kafka_settings(dir: &Path) -> KafkaSettings {
    KafkaSettings {
        heap_mib: 256,
        ..KafkaSettings::new(dir.join("kafka"))
    }
}

fn clickhouse_settings(dir: &Path) -> ClickHouseSettings {
    ClickHouseSettings::new(dir.join("clickhouse"))
}

pub fn none_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .arg(PARENT)
        .arg(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pids = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut pids)
        .unwrap();
    let engines: Vec<u32> = pids
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert_eq!(engines.len(), 2, "the parent could not start the engines");

    let all = procs::in_folder(dir.path());
    assert!(
        engines.iter().all(|pid| all.contains(pid)) && all.len() == 3,
        "{all:?}"
    );
    let watched: Vec<_> = all.into_iter().map(procs::watch).collect();
    parent.kill().unwrap();
    parent.wait().unwrap();

    // A new parent starts without waiting for the old engines to end first.
    runtime().block_on(async {
        let again = ClickHouse::start(&clickhouse_settings(dir.path()), &library())
            .await
            .unwrap();
        again.stop().await.unwrap();
        let again = Kafka::start(&kafka_settings(dir.path()), &jars())
            .await
            .unwrap();
        for process in watched {
            process.wait();
        }
        kill_the_one_in_between(again).await;
    });
    assert_eq!(procs::in_folder(dir.path()), []);
}

/// Kills the holder between this process and Java; Java must die with it.
async fn kill_the_one_in_between(kafka: Kafka) {
    let java = procs::watch(kafka.pid());
    let holder = procs::parent(kafka.pid());
    assert_ne!(holder, std::process::id());
    let exited = kafka.exited();
    procs::kill_nine(holder);
    java.wait();
    assert_eq!(exited.await.status, ExitStatus::Signal(9));
}
