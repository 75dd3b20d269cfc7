CREATE TABLE IF NOT EXISTS rebuild_changes{local}{on_cluster}
(
    id String COMMENT 'Identifier of the run, as in rebuilds',
    month UInt32 COMMENT 'Month of the events, as YYYYMM',
    year UInt16 COMMENT 'Local year of the events',
    ente String COMMENT 'Public body, before; empty for added events',
    category LowCardinality(String) COMMENT 'Category, before',
    kind LowCardinality(String) COMMENT 'Kind of a service use',
    device LowCardinality(String) COMMENT 'Class of the device, before',
    to_ente String COMMENT 'Public body, after; empty for removed events',
    to_category LowCardinality(String) COMMENT 'Category, after',
    to_kind LowCardinality(String) COMMENT 'Kind of a service use, after',
    to_device LowCardinality(String) COMMENT 'Class of the device, after',
    why String COMMENT 'Cause of the change: parts of the register, device rules, or the columns that differ',
    events Int64 COMMENT 'Number of changed events; negative if they were removed',
    accesses Int64 COMMENT 'Accesses to pages among them',
    service_uses Int64 COMMENT 'Completed service uses among them'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (id, month, year){no_window}
COMMENT 'Changes by each rebuild and each dry run, by year'
