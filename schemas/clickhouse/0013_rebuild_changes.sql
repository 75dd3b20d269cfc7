CREATE TABLE IF NOT EXISTS rebuild_changes
(
    id String COMMENT 'The run, as in rebuilds',
    month UInt32 COMMENT 'Month that was put in place, as YYYYMM',
    year UInt16 COMMENT 'Local year of the events',
    ente String COMMENT 'Public body, before',
    category LowCardinality(String) COMMENT 'Category, before',
    kind LowCardinality(String) COMMENT 'Kind of a service use',
    device LowCardinality(String) COMMENT 'Class of the device, before',
    to_ente String COMMENT 'Public body, after',
    to_category LowCardinality(String) COMMENT 'Category, after',
    to_kind LowCardinality(String) COMMENT 'Kind of a service use, after',
    to_device LowCardinality(String) COMMENT 'Class of the device, after',
    why String COMMENT 'What decided otherwise: parts of the register, rules of devices, or the columns that differ',
    cells UInt64 COMMENT 'For aggregates: cells that differed',
    events Int64 COMMENT 'For facts: events that moved; for aggregates: how many were added, or taken away when negative',
    accesses Int64 COMMENT 'Accesses to pages among them',
    service_uses Int64 COMMENT 'Completed service uses among them'
)
ENGINE = MergeTree
ORDER BY (id, month, year)
COMMENT 'What each rebuild changed, by year'
