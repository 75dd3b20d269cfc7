CREATE TABLE IF NOT EXISTS schema_migrations{local}{on_cluster}
(
    name String COMMENT 'File name in schemas/clickhouse',
    checksum String COMMENT 'SHA-256 of the statement',
    applied_at DateTime('UTC') DEFAULT now() COMMENT 'Time of application'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY name{no_window}
COMMENT 'Applied migrations'
