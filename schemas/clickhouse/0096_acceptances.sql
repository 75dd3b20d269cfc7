CREATE TABLE IF NOT EXISTS acceptances
(
    what Enum8('loss' = 1, 'place' = 2, 'log' = 3, 'facts' = 4) COMMENT 'What was accepted: a loss of records, a place of the group, a log that was put back, facts of no record that were removed',
    stream LowCardinality(String) COMMENT 'Log of the range',
    kafka_partition UInt32 COMMENT 'Partition of that log',
    first_offset UInt64 COMMENT 'First offset of the range; for a place, where the group stood',
    next_offset UInt64 COMMENT 'One past its last offset; for a place, where the group stands now',
    records UInt64 COMMENT 'Offsets whose records are lost, or facts that were removed',
    first_day Date COMMENT 'First day that the records can concern, as far as the blocks around them show',
    last_day Date COMMENT 'Last day that they can concern',
    reason String COMMENT 'Why, as the operator said; no personal data belongs here',
    accepted_by String COMMENT 'Account of the operating system that gave the command',
    accepted_at DateTime('UTC') DEFAULT now() COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (stream, kafka_partition, first_offset, accepted_at)
COMMENT 'Losses and changes of the place in the log that an operator accepted, and why'
