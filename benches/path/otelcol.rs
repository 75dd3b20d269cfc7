//! The OpenTelemetry Collector with its Kafka receiver and ClickHouse exporter. Takes part only if
//! Go can build it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::contender::{Contender, Target};
use crate::in_sql;
use crate::support::{Engines, Running};

/// Folder of the source and the configuration.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/otelcol");

/// Path of the built program. Prints the reason and returns `None` if it cannot be built.
pub fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let left_out = |why: String| eprintln!("left out: {}: {why}", Contender::Collector);
        build().map_err(left_out).ok()
    });
    program.as_deref()
}

fn build() -> Result<PathBuf, String> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers/otelcol");
    eprintln!(
        "building {}; the first build takes minutes",
        Contender::Collector
    );
    let status = Command::new("go")
        .args(["build", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(SOURCE)
        .env("CGO_ENABLED", "0")
        // A Go that is too old fails with a message instead of downloading another one.
        .env("GOTOOLCHAIN", "local")
        .status()
        .map_err(|error| format!("Go cannot be run ({error}); install Go to compare with it"))?;
    if status.success() {
        Ok(program)
    } else {
        Err(format!(
            "`go build` in {SOURCE} failed ({status}), see above"
        ))
    }
}

/// Creates the target tables, writes the configuration, and returns the command.
pub fn prepare(target: &Target<'_, '_>, engines: &Engines) -> Command {
    in_sql::make_categories(target);
    let tables = include_str!("../peers/otelcol/otel_logs.sql");
    in_sql::make_texts(target, "otel_logs", tables);
    let bus = target.place.bus();
    let tcp_port = engines.clickhouse.tcp_port().expect("it is open");
    let config = Path::new(SOURCE).join("collector.yaml");
    let config = std::fs::read_to_string(config)
        .expect("the configuration is beside its source")
        .replace("{brokers}", &bus.bootstrap_servers)
        .replace("{topic}", &bus.topic)
        .replace("{group}", &target.group)
        .replace("{tcp_port}", &tcp_port.to_string())
        .replace("{user}", &target.access.user)
        .replace("{password}", &target.access.password)
        .replace("{database}", &target.access.database);
    let file = target.place.folder.join(format!("{}.yaml", target.group));
    std::fs::write(&file, config).expect("a configuration can be written");
    let mut command = Command::new(program().expect("it takes part only where it is built"));
    command.arg("--config").arg(file);
    command
}

/// Waits until all events are written.
pub fn wait(target: &Target<'_, '_>, collector: &mut Running, events: u64) {
    in_sql::wait_for(target, events, || {
        assert!(!collector.has_ended(), "the collector runs on");
    });
}
