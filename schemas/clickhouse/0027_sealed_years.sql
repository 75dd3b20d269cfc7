CREATE TABLE IF NOT EXISTS sealed_years
(
    number UInt32 COMMENT 'Place in the chain of seals, from 1',
    year UInt16 COMMENT 'Which year was closed',
    cause String COMMENT 'Why it was restated; empty for the first seal of a year',
    sealed_at DateTime('UTC') COMMENT 'When',
    content String COMMENT 'The figures, the register and the place in the log, as JSON' CODEC(ZSTD(3)),
    previous String COMMENT 'Hash of the seal before; empty for the first',
    hash String COMMENT 'SHA-256 of the hash before, a line feed and the content'
)
ENGINE = MergeTree
ORDER BY number
COMMENT 'Closed years: what the report said, for ever. Written by affluenza close-year, checked by affluenza verify-year.'
