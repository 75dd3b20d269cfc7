CREATE TABLE IF NOT EXISTS ingest_repairs
(
    stream LowCardinality(String) COMMENT 'Log of the block; empty for an aggregate',
    kafka_partition UInt32 COMMENT 'Partition of the block',
    first_offset UInt64 COMMENT 'First offset of the block',
    next_offset UInt64 COMMENT 'One past its last offset',
    what Enum8('facts' = 1, 'ledger' = 2, 'aggregate' = 3) COMMENT 'What was mended',
    month UInt32 COMMENT 'Year and month of the hours, for an aggregate',
    records UInt64 COMMENT 'Facts restored, or cells of the aggregate corrected',
    repaired_at DateTime('UTC') DEFAULT now() COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (stream, kafka_partition, first_offset, repaired_at)
COMMENT 'What reconciliation mended, and when'
