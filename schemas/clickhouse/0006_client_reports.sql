CREATE TABLE IF NOT EXISTS client_reports{local}{on_cluster}
(
    producer String COMMENT 'Reporting process',
    reported_at DateTime64(3, 'UTC') COMMENT 'Time of the report',
    source String COMMENT 'Portal instance',
    last_sequence UInt64 COMMENT 'Last sequence number of the process; 0 without one',
    ente LowCardinality(String) COMMENT 'Public body of the dropped events; empty in a report without dropped events',
    reason LowCardinality(String) COMMENT 'Reason of the drop',
    events UInt64 COMMENT 'Number of dropped events',
    identity UInt64 COMMENT 'Hash of source and id of the report. A repeated report is counted once',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'Time of the insert'
)
ENGINE = {replicated}ReplacingMergeTree({path, }ingested_at)
ORDER BY (producer, identity, ente, reason)
SETTINGS {window} = 100000
COMMENT 'Events that portals dropped before they reached the log. Read with FINAL.'
