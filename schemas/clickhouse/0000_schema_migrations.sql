CREATE TABLE IF NOT EXISTS schema_migrations
(
    name String COMMENT 'File name in schemas/clickhouse',
    checksum String COMMENT 'SHA-256 of the statement',
    applied_at DateTime('UTC') DEFAULT now() COMMENT 'Time of application'
)
ENGINE = MergeTree
ORDER BY name
COMMENT 'Applied migrations'
