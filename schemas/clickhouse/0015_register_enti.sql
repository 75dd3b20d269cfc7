CREATE TABLE IF NOT EXISTS register_enti
(
    version String COMMENT 'Register that says so',
    code String COMMENT 'IPA code',
    name String COMMENT 'Name as people know it',
    kind LowCardinality(String) COMMENT 'comune, unione or citta-metropolitana',
    istat String COMMENT 'Istat code, digits with leading zeros; empty when not given',
    belfiore String COMMENT 'Belfiore (cadastral) code; empty when not given',
    zone LowCardinality(String) COMMENT 'IANA time zone of its local hours',
    inhabitants UInt32 COMMENT '0 when not given',
    inhabitants_year UInt16 COMMENT 'Year of the count; 0 when not given',
    aliases Array(String) COMMENT 'Other names under which it is found',
    valid_from Date32 COMMENT 'First day; 1900-01-01 for as far back as anyone asks',
    valid_to Date32 COMMENT 'First day on which it no longer exists; 2299-12-31 until further notice',
    successor String COMMENT 'Code of the ente that took over; empty when none did',
    patron String COMMENT 'Day of its patron saint, MM-DD; empty when not given'
)
ENGINE = MergeTree
ORDER BY (version, code)
COMMENT 'Public bodies, of every register that has been applied. The view enti has those of the register in force.'
