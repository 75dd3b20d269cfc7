CREATE TABLE IF NOT EXISTS register_national_holidays{local}{on_cluster}
(
    version String COMMENT 'Version of the register with which it was loaded',
    day Date COMMENT 'Local day, from 1970 to 2099',
    holiday LowCardinality(String) COMMENT 'Name of the holiday'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (version, day){no_window}
COMMENT 'National holidays of Italy by the law of each year. The view holidays has them for each ente.'
