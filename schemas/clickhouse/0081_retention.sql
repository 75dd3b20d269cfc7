CREATE TABLE IF NOT EXISTS retention
(
    facts_months UInt16 COMMENT 'Whole months for which facts are kept from then on; 0: for ever',
    facts_from Date COMMENT 'First day whose facts had been kept until then: earlier ones may be gone, whatever is set later',
    set_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was set'
)
ENGINE = MergeTree
ORDER BY set_at
COMMENT 'For how long facts are kept, and were. Nothing is compared or repaired beyond it.'
