#![doc = include_str!("../README.md")]

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
pub use clickhouse::{ClickHouse, ClickHouseSettings, RepairReport, RowReader};
pub use error::EngineError;
pub use folder::DataDir;
pub use kafka::{ClusterMember, Kafka, KafkaSettings};
pub use kept::{Kept, Startable};
pub use ports::{HealthAnswer, lasting_port};

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
    getrandom::fill(&mut bytes).expect("Linux has a random number generator");
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
