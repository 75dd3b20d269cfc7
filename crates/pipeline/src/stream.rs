//! Name of the present log.

use affluenza_kafka::{Cluster, Config as BusConfig};
use affluenza_store::Ledger;

use crate::PipelineError;

/// Returns the name of the present log: the ids of cluster and topic, and a number once an operator
/// has accepted that the log was restored. The same offsets then stand for other records.
pub async fn present(ledger: &Ledger, bus: &BusConfig) -> Result<String, PipelineError> {
    let topic = tokio::task::block_in_place(|| Cluster::new(bus)?.identity(&bus.topic))?;
    of_topic(ledger, &topic.to_string()).await
}

/// Returns the name of the present log of a topic whose id is known.
pub(crate) async fn of_topic(ledger: &Ledger, topic: &str) -> Result<String, PipelineError> {
    Ok(named(topic, ledger.log_generation(topic).await?))
}

/// Returns the topic of a log, without the number.
pub(crate) fn topic(stream: &str) -> &str {
    stream.split('~').next().unwrap_or(stream)
}

fn named(topic: &str, generation: u64) -> String {
    match generation {
        0 => topic.to_owned(),
        later => format!("{topic}~{later}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_log_that_was_put_back_has_another_name() {
        assert_eq!(super::named("c/t", 0), "c/t");
        assert_eq!(super::named("c/t", 2), "c/t~2");
        assert_eq!(super::topic("c/t~2"), super::topic("c/t"));
    }
}
