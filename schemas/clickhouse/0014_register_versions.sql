CREATE TABLE IF NOT EXISTS register_versions
(
    version String COMMENT 'Hash of the content, as in the column rules of the facts',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it came into force here: the newest is in force'
)
ENGINE = MergeTree
ORDER BY applied_at
COMMENT 'Which registers have been in force. affluenza register apply writes it last, so that a register is in force whole or not at all.'
