CREATE TABLE IF NOT EXISTS acceptances{local}{on_cluster}
(
    what Enum8('loss' = 1, 'place' = 2, 'log' = 3, 'facts' = 4) COMMENT 'Accepted matter: a loss of records, a position of the group, a log that was restored, or the removal of facts without a record',
    stream LowCardinality(String) COMMENT 'Log of the range',
    kafka_partition UInt32 COMMENT 'Partition of that log',
    first_offset UInt64 COMMENT 'First offset of the range; for a position, the previous one',
    next_offset UInt64 COMMENT 'Offset after the last offset of the range; for a position, the new one',
    records UInt64 COMMENT 'Number of offsets with lost records, or of removed facts',
    first_day Date COMMENT 'First possible day of the records, from the adjacent blocks',
    last_day Date COMMENT 'Last possible day of the records',
    reason String COMMENT 'Reason given by the operator, without personal data',
    accepted_by String COMMENT 'Account of the operating system that ran the command',
    accepted_at DateTime('UTC') DEFAULT now() COMMENT 'Time of the acceptance'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (stream, kafka_partition, first_offset, accepted_at){no_window}
COMMENT 'Losses and changes of the position in the log that an operator accepted, with the reason'
