CREATE TABLE IF NOT EXISTS copy_searches{local}{on_cluster}
(
    stream LowCardinality(String) COMMENT 'Log: cluster id and topic id',
    kafka_partition UInt32 COMMENT 'Partition of that log',
    next_offset UInt64 COMMENT 'Offset after the last event that was searched for among all facts',
    searched_at DateTime('UTC') DEFAULT now() COMMENT 'Time of the search'
)
ENGINE = {replicated}ReplacingMergeTree({path, }next_offset)
ORDER BY (stream, kafka_partition){no_window}
COMMENT 'Progress of the search for copies of stored events'
