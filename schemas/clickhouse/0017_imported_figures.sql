CREATE TABLE IF NOT EXISTS imported_figures{local}{on_cluster}
(
    number UInt32 COMMENT 'Number of the import, from 1. The last import of a kind is valid; earlier ones are its history',
    kind LowCardinality(String) COMMENT 'Subject of the figures: identity-credentials, help-desk, probe-alerts, availability or portfolio',
    source String COMMENT 'Source of the figures',
    source_date Date COMMENT 'Date of the source',
    licence String COMMENT 'Licence of the figures',
    imported_by String COMMENT 'Account that imported the figures',
    imported_at DateTime('UTC') COMMENT 'Time of the import',
    hash String COMMENT 'SHA-256 of kind, provenance and figures. A repeated import changes nothing',
    content String COMMENT 'Provenance and figures, as JSON' CODEC(ZSTD(3))
)
ENGINE = {replicated}MergeTree({path})
ORDER BY number{no_window}
COMMENT 'Figures of other sources for the yearly report, with their provenance. Written by affluenza import figures.'
