CREATE TABLE IF NOT EXISTS erasures{local}{on_cluster}
(
    id String COMMENT 'Identifier of the erasure',
    ente LowCardinality(String) COMMENT 'Public body whose events were erased',
    portal LowCardinality(String) COMMENT 'Portal; empty for all portals of the public body',
    first_day Date COMMENT 'First local day',
    last_day Date COMMENT 'Last local day',
    reason String COMMENT 'Reason given with the order, without personal data',
    `ends.stream` Array(LowCardinality(String)) COMMENT 'Log up to whose offset the erasure applies',
    `ends.kafka_partition` Array(UInt32) COMMENT 'Partition of that log',
    `ends.next_offset` Array(UInt64) COMMENT 'End of the erasure in the partition: it applies to records before this offset',
    facts UInt64 COMMENT 'Number of erased facts',
    begun_at DateTime('UTC') COMMENT 'Start time',
    done Bool COMMENT 'True once the erasure is complete',
    version UInt64 COMMENT 'Number of the row of an erasure. The highest is valid'
)
ENGINE = {replicated}ReplacingMergeTree({path, }version)
ORDER BY id{no_window}
COMMENT 'Erasures by order, with their reasons: one row per erasure. Read with FINAL.'
