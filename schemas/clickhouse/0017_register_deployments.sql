CREATE TABLE IF NOT EXISTS register_deployments
(
    version String COMMENT 'Register that says so',
    ente String COMMENT 'Who offers it',
    service String COMMENT 'What is offered',
    nature LowCardinality(String) COMMENT 'Kind of use that it is made for at this ente',
    valid_from Date32 COMMENT 'First day; 1900-01-01 for as far back as anyone asks',
    valid_to Date32 COMMENT 'First day on which it is no longer offered; 2299-12-31 until further notice'
)
ENGINE = MergeTree
ORDER BY (version, ente, service, valid_from)
COMMENT 'Which services which ente offers on line, of every register that has been applied. The view deployments has those of the register in force.'
