CREATE TABLE IF NOT EXISTS ingest_ledger{local}{on_cluster}
(
    stream LowCardinality(String) COMMENT 'Log of the block: cluster id and topic id',
    kafka_partition UInt32 COMMENT 'Partition of that log',
    first_offset UInt64 COMMENT 'First offset of the block',
    next_offset UInt64 COMMENT 'Offset after the last offset of the block',
    records_read UInt64 COMMENT 'Records in the block: stored + duplicate + rejected + quarantined + reports + erased',
    stored UInt64 COMMENT 'Events stored as facts',
    duplicate UInt64 COMMENT 'Events stored before, by source and id',
    rejected UInt64 COMMENT 'Records that are not valid events',
    quarantined UInt64 COMMENT 'Records set aside for a decision by a person',
    reports UInt64 DEFAULT 0 COMMENT 'Client reports',
    erased UInt64 DEFAULT 0 COMMENT 'Stored events that were erased by order',
    lost UInt64 DEFAULT 0 COMMENT 'Offsets whose records were accepted as lost. The reason is in the table acceptances',
    control UInt64 DEFAULT 0 COMMENT 'Offsets without a record of a producer: transaction markers, aborted records or compaction. next_offset - first_offset = records_read + control + lost',
    `fates.ente` Array(LowCardinality(String)) COMMENT 'Public body of a group of records with the same fate; empty if unknown',
    `fates.day` Array(Date) COMMENT 'Local day of the events. For records without a time, the UTC day of their timestamp in the log',
    `fates.fate` Array(Enum8('stored' = 1, 'duplicate' = 2, 'rejected' = 3, 'quarantined' = 4, 'report' = 5, 'erased' = 6)) COMMENT 'Fate of the records',
    `fates.reason` Array(LowCardinality(String)) COMMENT 'Reason of the refusal; empty for other fates',
    `fates.records` Array(UInt64) COMMENT 'Number of records',
    checksum UInt64 COMMENT 'Checksum of the records, compared with later readings of the log',
    rules LowCardinality(String) COMMENT 'Version of the rules and of the register that classified the block',
    written_at DateTime('UTC') DEFAULT now() COMMENT 'Time of the insert'
)
ENGINE = {replicated}ReplacingMergeTree({path, }written_at)
ORDER BY (stream, kafka_partition, first_offset)
SETTINGS {window} = 100000
COMMENT 'Fates of all records of the log: one row per block. Read with FINAL.'
