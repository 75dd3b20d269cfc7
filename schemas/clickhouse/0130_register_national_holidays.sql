CREATE TABLE IF NOT EXISTS register_national_holidays
(
    version String COMMENT 'Register that it was loaded with',
    day Date COMMENT 'Local day, from 1970 to 2099',
    holiday LowCardinality(String) COMMENT 'Name of the holiday'
)
ENGINE = MergeTree
ORDER BY (version, day)
COMMENT 'National holidays of Italy as the law had them in each year. The view holidays has them for each ente.'
