CREATE TABLE IF NOT EXISTS ingest_ledger
(
    stream LowCardinality(String) COMMENT 'Log the block came from: cluster id and topic id',
    kafka_partition UInt32 COMMENT 'Partition of that log',
    first_offset UInt64 COMMENT 'First offset of the block',
    next_offset UInt64 COMMENT 'One past its last offset',
    records_read UInt64 COMMENT 'Records in the block: stored + duplicate + rejected + quarantined',
    stored UInt64 COMMENT 'Events stored as facts',
    duplicate UInt64 COMMENT 'Events that had been stored before, by source and id',
    rejected UInt64 COMMENT 'Records that can never become events',
    quarantined UInt64 COMMENT 'Records that wait for a person',
    `fates.ente` Array(LowCardinality(String)) COMMENT 'Of each group of records with one fate: the public body, empty when the record does not tell',
    `fates.day` Array(Date) COMMENT 'Local day of the events; of records that tell no time, the UTC day on which they were written to the log',
    `fates.fate` Array(Enum8('stored' = 1, 'duplicate' = 2, 'rejected' = 3, 'quarantined' = 4)) COMMENT 'What became of them',
    `fates.reason` Array(LowCardinality(String)) COMMENT 'Why, for those that were refused',
    `fates.records` Array(UInt64) COMMENT 'How many they are',
    checksum UInt64 COMMENT 'Of the records as read, so that a second reading can be compared',
    rules LowCardinality(String) COMMENT 'Version of the rules and of the register that classified the block',
    written_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (stream, kafka_partition, first_offset)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'What became of every record of the log: one row a block. Read with FINAL.'
