CREATE TABLE IF NOT EXISTS imported_figures
(
    number UInt32 COMMENT 'Order of the imports, from 1; of a kind the last one is in force, those before it are its history',
    kind LowCardinality(String) COMMENT 'What the figures are of: identity-credentials, help-desk, probe-alerts, availability, portfolio',
    source String COMMENT 'Who or what the figures are from',
    source_date Date COMMENT 'When the source said so',
    licence String COMMENT 'Licence of the figures',
    imported_by String COMMENT 'Who imported them',
    imported_at DateTime('UTC') COMMENT 'When they were imported',
    hash String COMMENT 'SHA-256 of kind, provenance and figures: the same import again changes nothing',
    content String COMMENT 'Provenance and figures, as JSON' CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY number
COMMENT 'Figures of other sources for the yearly report, with their provenance. Written by affluenza import figures.'
