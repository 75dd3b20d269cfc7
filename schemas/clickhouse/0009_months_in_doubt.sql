CREATE TABLE IF NOT EXISTS months_in_doubt{local}{on_cluster}
(
    month UInt32 COMMENT 'Month of the hours, by UTC, as YYYYMM',
    stream LowCardinality(String) COMMENT 'Log of the block whose hour rows are in doubt; empty if a comparison found a difference',
    kafka_partition UInt32 COMMENT 'Partition of the block',
    first_offset UInt64 COMMENT 'First offset of the block',
    next_offset UInt64 COMMENT 'Offset after the last offset of the block',
    since DateTime('UTC') DEFAULT now() COMMENT 'Start of the doubt',
    held_until DateTime('UTC') DEFAULT 0 COMMENT 'End of the pause in which consumers begin no block with events of the month, so that it can be compared',
    settled Bool DEFAULT false COMMENT 'True once the hour rows of the month agree with its facts',
    version UInt64 DEFAULT toUnixTimestamp64Micro(now64(6)) COMMENT 'The row with the highest version is valid'
)
ENGINE = {replicated}ReplacingMergeTree({path, }version)
ORDER BY (month, stream, kafka_partition, first_offset){no_window}
COMMENT 'Months whose hour rows may lack or repeat events. Answers about them carry a warning until they are settled. Read with FINAL.'
