CREATE TABLE IF NOT EXISTS retention{local}{on_cluster}
(
    facts_months UInt16 COMMENT 'Number of whole months for which facts are kept; 0 keeps them permanently',
    facts_from Date COMMENT 'First day whose facts were kept until then. Earlier facts may have expired, whatever is set later',
    set_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Time of the change'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY set_at{no_window}
COMMENT 'Current and previous retention of facts. Earlier data is neither compared nor repaired.'
