CREATE TABLE IF NOT EXISTS {table}{local}{on_cluster}
(
    ente LowCardinality(String),
    portal LowCardinality(String),
    service LowCardinality(String),
    from_day UInt16,
    to_ente LowCardinality(String),
    to_portal LowCardinality(String),
    to_service LowCardinality(String),
    to_category LowCardinality(String),
    to_portal_kind LowCardinality(String)
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (ente, portal, service, from_day){no_window}
