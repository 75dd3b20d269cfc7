CREATE TABLE IF NOT EXISTS register_holidays
(
    version String COMMENT 'Register that says so',
    ente String COMMENT 'Whose holiday',
    day Date COMMENT 'Local day, from 2010 to 2049',
    holiday LowCardinality(String) COMMENT 'Which: national ones by name, and patron for the patron saint of the ente'
)
ENGINE = MergeTree
ORDER BY (version, ente, day)
COMMENT 'National holidays and patron saints by ente. Working days are Monday to Friday without these.'
