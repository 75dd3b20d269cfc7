CREATE TABLE IF NOT EXISTS hours_of_months{local}{on_cluster}
(
    month Date COMMENT 'First day of the local month',
    ente LowCardinality(String) COMMENT 'Public body',
    events UInt64 COMMENT 'Events of the month in usage_hourly when the row was written. The row is outdated if the number has changed',
    generation String COMMENT 'Repairs and rebuilds when the row was written. The row is outdated if it has changed',
    `hours.local_hour` Array(UInt8) COMMENT 'Hour of the day, 0 to 23',
    `hours.band` Array(Enum8('night' = 1, 'office' = 2, 'evening' = 3)) COMMENT 'Band of the hour',
    `hours.users` Array(UInt64) COMMENT 'Distinct visitors of people in the hour, summed over the days of the month',
    `hours.accesses` Array(UInt64) COMMENT 'Accesses of people to pages and areas',
    `hours.service_uses` Array(UInt64) COMMENT 'Completed service uses of people',
    `hours.users_with_bots` Array(UInt64) COMMENT 'Distinct visitors, bots included',
    `hours.accesses_with_bots` Array(UInt64) COMMENT 'Accesses, bots included',
    `hours.service_uses_with_bots` Array(UInt64) COMMENT 'Completed service uses, bots included'
)
ENGINE = {replicated}MergeTree({path})
PARTITION BY toYYYYMM(month)
ORDER BY (month, ente){no_window}
COMMENT 'Cache of the use by hour of the day in each month, computed from usage_hourly. A row is valid only while its events and generation are current. Use the view users_by_hour for other queries.'
