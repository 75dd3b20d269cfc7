CREATE TABLE IF NOT EXISTS client_reports
(
    producer String COMMENT 'Process that reports',
    reported_at DateTime64(3, 'UTC') COMMENT 'When it made the report',
    source String COMMENT 'Portal instance',
    last_sequence UInt64 COMMENT 'Number that it gave last, 0 when none',
    ente LowCardinality(String) COMMENT 'Public body of the dropped events; empty in a report without any',
    reason LowCardinality(String) COMMENT 'Why they were dropped',
    events UInt64 COMMENT 'How many they are',
    identity UInt64 COMMENT 'Hash of source and id of the report: the same report twice counts once',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (producer, identity, ente, reason)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Events that portals had to drop before they reached the log. Read with FINAL.'
