//! Ports, configuration and files of a test world.

use std::path::{Path, PathBuf};

use crate::http::Access;
use crate::support::{source, write};

/// The topic of the events.
pub const TOPIC: &str = "chaos.events";
pub const DEAD_LETTER_TOPIC: &str = "chaos.dead-letters";
pub const DATABASE: &str = "chaos";
/// Session timeout: after this time without heartbeats the group reassigns a consumer's partitions.
const SESSION_MS: u32 = 2_000;

/// Returns a free port that an engine can keep while it is restarted.
pub fn lasting_port() -> u16 {
    affluenza_engine::lasting_port().expect("a port is free")
}

/// A number that differs between runs.
pub fn nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

/// Writes the program's configuration.
pub fn configure(folder: &Path, bootstrap: &str, access: &Access) -> PathBuf {
    let text = format!(
        r#"
        [kafka]
        partitions = 4
        bootstrap_servers = "{bootstrap}"
        topic = "{TOPIC}"
        dead_letter_topic = "{DEAD_LETTER_TOPIC}"

        [kafka.properties]
        "session.timeout.ms" = "{SESSION_MS}"
        "heartbeat.interval.ms" = "300"

        [clickhouse]
        url = "http://{}"
        database = "{DATABASE}"
        user = "{}"
        password = "{}"

        [consume]
        block_wait_ms_max = 50
        # Little memory: most repeated events are looked up.
        recent_identities_max = 3000
        # Reconciliation meets running inserts as often as it can.
        reconcile_first_seconds = 1
        reconcile_minutes = 1

        [log]
        filter = "info"
        "#,
        access.address, access.user, access.password
    );
    write(folder, "affluenza.toml", text.as_bytes())
}

/// Writes the example register with the services of two large categories swapped. It has another
/// version and yields other cells of the aggregate.
pub fn other_register(folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(source("deploy/register.toml")).expect("it is there");
    let swapped = text
        .replace("category = \"tributi\"", "category = \"\"")
        .replace("category = \"anagrafe\"", "category = \"tributi\"")
        .replace("category = \"\"", "category = \"anagrafe\"");
    assert_ne!(text, swapped, "the register has these categories");
    write(folder, "other-register.toml", swapped.as_bytes())
}
