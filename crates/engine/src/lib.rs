//! Runs Apache Kafka and ClickHouse as child processes, each with all its data in one folder.
//!
//! Scope:
//! - Fetches the pinned Kafka jars and the pinned ClickHouse library through the package clients
//!   (Maven, npm), verifies their checksums, and caches them outside the source tree.
//! - Starts one node of each, or a Kafka cluster, on the loopback interface only.
//! - Detects readiness and death, and stops an engine cleanly.
//! - Leaves no process behind, even if the program itself is killed.
//!
//! The crate creates no topics, databases or tables, and never connects to external servers. The
//! two engines are independent of each other.
//!
//! A program that starts engines executes itself again to run them, so it must begin with
//! [`run_if_child`]:
//!
//! ```no_run
//! use affluenza_engine::{Cache, ClickHouse, ClickHouseSettings, Kafka, KafkaSettings};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     affluenza_engine::run_if_child();
//!     tokio::runtime::Runtime::new()?.block_on(async {
//!         let cache = Cache::from_env()?;
//!         let jars = cache.prepare_kafka(&|step| eprintln!("{step}"))?;
//!         let library = cache.prepare_clickhouse(&|step| eprintln!("{step}"))?;
//!         let kafka = Kafka::start(&KafkaSettings::new("data/kafka"), &jars).await?;
//!         let clickhouse =
//!             ClickHouse::start(&ClickHouseSettings::new("data/clickhouse"), &library).await?;
//!         println!("{} {}", kafka.bootstrap(), clickhouse.http_url());
//!         clickhouse.stop().await?;
//!         kafka.stop().await?;
//!         Ok(())
//!     })
//! }
//! ```

mod cache;
mod child;
mod clickhouse;
mod error;
mod folder;
mod kafka;
mod kept;
mod logs;
mod ports;

use std::fmt;

pub use cache::{Cache, ClickHouseLibrary, KafkaJars};
pub use child::{ChildExit, ExitStatus, run_if_child};
pub use clickhouse::{
    ClickHouse, ClickHouseSettings, RepairReport, RowReader, Shards, repair_deduplication_logs,
};
pub use error::EngineError;
pub use folder::DataDir;
pub use kafka::{ClusterMember, Kafka, KafkaSettings, SecuredListener};
pub use kept::{Kept, Startable};
pub use ports::Answer;

/// Kind of engine, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Apache Kafka.
    Kafka,
    /// ClickHouse.
    ClickHouse,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kafka => "Kafka",
            Self::ClickHouse => "ClickHouse",
        })
    }
}

/// Returns random bytes from the operating system.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        // Fails only before the kernel has gathered its first entropy, or on a signal. A retry is
        // right in both cases.
        if let Ok(more) =
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())
        {
            filled += more;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Engines are started, watched and stopped in spawned tasks.
    #[test]
    fn futures_and_handles_can_move_between_threads() {
        fn movable<T: Send>(_: impl FnOnce() -> T) {}
        fn start(settings: KafkaSettings, jars: KafkaJars) -> impl Future + Send {
            async move { Kafka::start(&settings, &jars).await?.stop().await }
        }
        fn watch(clickhouse: &ClickHouse) -> impl Future + Send + 'static {
            clickhouse.exited()
        }
        let _ = (start, watch);
        movable::<Option<Kafka>>(|| None);
        movable::<Option<ClickHouse>>(|| None);
        movable::<Option<EngineError>>(|| None);
    }
}
