CREATE TABLE IF NOT EXISTS register_versions{local}{on_cluster}
(
    version String COMMENT 'Hash of the content, as in the column rules of the facts',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'Time of its application. The newest register is current'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY applied_at{no_window}
COMMENT 'Applied registers. affluenza register apply writes the row last, so that a register is applied completely or not at all.'
