CREATE TABLE IF NOT EXISTS ingest_repairs{local}{on_cluster}
(
    stream LowCardinality(String) COMMENT 'Log of the block; empty for an aggregate',
    kafka_partition UInt32 COMMENT 'Partition of the block',
    first_offset UInt64 COMMENT 'First offset of the block',
    next_offset UInt64 COMMENT 'Offset after the last offset of the block',
    what Enum8('facts' = 1, 'ledger' = 2, 'aggregate' = 3) COMMENT 'Repaired data',
    month UInt32 COMMENT 'Year and month of the hours of an aggregate, as YYYYMM',
    records UInt64 COMMENT 'Restored facts, or corrected cells of the aggregate',
    repaired_at DateTime('UTC') DEFAULT now() COMMENT 'Time of the repair'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (stream, kafka_partition, first_offset, repaired_at){no_window}
COMMENT 'Repairs by reconciliation'
