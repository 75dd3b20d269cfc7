CREATE TABLE IF NOT EXISTS months_in_doubt
(
    month UInt32 COMMENT 'Month of the hours, by UTC, as YYYYMM',
    stream LowCardinality(String) COMMENT 'Log of the block whose hour rows are in doubt; empty when a comparison found a difference',
    kafka_partition UInt32 COMMENT 'Partition of the block',
    first_offset UInt64 COMMENT 'First offset of the block',
    next_offset UInt64 COMMENT 'One past its last offset',
    since DateTime('UTC') DEFAULT now() COMMENT 'When the doubt arose',
    held_until DateTime('UTC') DEFAULT 0 COMMENT 'Until when consumers begin no block with events of the month, so that it can be compared',
    settled Bool DEFAULT false COMMENT 'Whether the hour rows of the month were compared with its facts since, and agree',
    version UInt64 DEFAULT toUnixTimestamp64Micro(now64(6)) COMMENT 'The newest row holds'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (month, stream, kafka_partition, first_offset)
COMMENT 'Months whose hour rows may lack events, or have some twice. Every answer about them says so until they are settled. Read with FINAL.'
