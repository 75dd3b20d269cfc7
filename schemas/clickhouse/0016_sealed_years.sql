CREATE TABLE IF NOT EXISTS sealed_years{local}{on_cluster}
(
    number UInt32 COMMENT 'Position in the chain of seals, from 1',
    year UInt16 COMMENT 'Closed year, or year of the closed month',
    month UInt8 COMMENT 'Closed month, 1 to 12; 0 for a whole year',
    cause String COMMENT 'Reason of the restatement; empty for the first seal of a period',
    sealed_at DateTime('UTC') COMMENT 'Time of the seal',
    content String COMMENT 'Figures, register and position in the log, as JSON' CODEC(ZSTD(3)),
    previous String COMMENT 'Hash of the previous seal; empty for the first',
    hash String COMMENT 'SHA-256 of the previous hash, a line feed and the content'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY number
SETTINGS {window} = 10000
COMMENT 'Closed years and months with their permanent figures. Written by affluenza close-year and close-month, checked by affluenza verify-year.'
