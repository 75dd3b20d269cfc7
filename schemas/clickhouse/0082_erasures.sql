CREATE TABLE IF NOT EXISTS erasures
(
    id String COMMENT 'Names the erasure',
    ente LowCardinality(String) COMMENT 'Public body whose events were erased',
    portal LowCardinality(String) COMMENT 'Portal; empty for all of the public body',
    first_day Date COMMENT 'First local day',
    last_day Date COMMENT 'Last local day',
    reason String COMMENT 'Why, as whoever ordered it said; no personal data belongs here',
    `ends.stream` Array(LowCardinality(String)) COMMENT 'How far it reaches: of each log',
    `ends.kafka_partition` Array(UInt32) COMMENT 'and partition,',
    `ends.next_offset` Array(UInt64) COMMENT 'records before this offset; later ones are counted as ever',
    facts UInt64 COMMENT 'Facts erased',
    begun_at DateTime('UTC') COMMENT 'When it began',
    done Bool COMMENT 'Whether it was carried through',
    version UInt64 COMMENT 'Counts the rows of an erasure: the newest holds'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
COMMENT 'What was erased by order, and why: one row an erasure. Read with FINAL.'
