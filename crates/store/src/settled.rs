//! Settled facts: inserted, in the ledger, and committed to Kafka.

use crate::sql::Statement;

/// End of the settled facts of the current log, by partition. All facts of other logs are settled,
/// because they receive no more writes.
///
/// A block that is still being written may be retried. So an audit counts only settled facts, and a
/// rebuild replays only settled offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Current log.
    pub stream: String,
    /// Partition, and the offset after its last settled one.
    pub ends: Vec<(u32, u64)>,
}

impl Settled {
    /// Returns the offset after the last settled one of a partition.
    pub fn end(&self, stream: &str, kafka_partition: u32) -> u64 {
        if stream != self.stream {
            return u64::MAX;
        }
        self.ends
            .iter()
            .find(|(partition, _)| *partition == kafka_partition)
            .map_or(0, |(_, end)| *end)
    }

    /// Returns the SQL condition for settled facts or blocks, with the parameters of
    /// [`Self::bind`]; `offset` is the column of their offset.
    pub(crate) fn condition(&self, offset: &str) -> String {
        let other_log = "stream != {settled_stream:String}";
        if self.ends.is_empty() {
            return other_log.to_owned();
        }
        format!(
            "({other_log} OR {offset} < transform(toUInt64(kafka_partition), {{settled_partitions:Array(UInt64)}}, {{settled_ends:Array(UInt64)}}, toUInt64(0)))"
        )
    }

    /// Sets the parameters of [`Self::condition`].
    pub(crate) fn bind(&self, statement: Statement) -> Statement {
        let (partitions, ends): (Vec<u32>, Vec<u64>) = self.ends.iter().copied().unzip();
        statement
            .bind("settled_stream", &*self.stream)
            .bind("settled_partitions", partitions)
            .bind("settled_ends", ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_logs_are_settled_and_unknown_partitions_are_not() {
        let settled = Settled {
            stream: "c/t".into(),
            ends: vec![(0, 7), (2, 9)],
        };
        assert_eq!(settled.end("c/t", 2), 9);
        assert_eq!(settled.end("c/t", 1), 0);
        assert_eq!(settled.end("c/old", 1), u64::MAX);
        assert_eq!(
            settled.condition("kafka_offset"),
            "(stream != {settled_stream:String} OR kafka_offset < transform(toUInt64(kafka_partition), {settled_partitions:Array(UInt64)}, {settled_ends:Array(UInt64)}, toUInt64(0)))"
        );
    }
}
