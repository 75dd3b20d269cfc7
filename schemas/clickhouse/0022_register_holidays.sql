CREATE TABLE IF NOT EXISTS register_holidays{local}{on_cluster}
(
    version String COMMENT 'Version of the register',
    ente String COMMENT 'Ente with the holiday',
    day Date COMMENT 'Local day, from 1970 to 2099. National holidays are in register_national_holidays',
    holiday LowCardinality(String) COMMENT 'Name of the holiday; patron for the patron saint of the ente'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (version, ente, day){no_window}
COMMENT 'Patron saints and other holidays by ente. Working days are Monday to Friday without holidays.'
