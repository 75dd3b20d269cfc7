CREATE TABLE IF NOT EXISTS hours_of_months
(
    month Date COMMENT 'First day of the local month',
    ente LowCardinality(String) COMMENT 'Public body',
    events UInt64 COMMENT 'Events of the month in usage_hourly when this was made: another number there now means that this no longer holds',
    generation String COMMENT 'Repairs and rebuilds by then: another one now means the same',
    `hours.local_hour` Array(UInt8) COMMENT 'Hour of the day, 0 to 23',
    `hours.band` Array(Enum8('night' = 1, 'office' = 2, 'evening' = 3)) COMMENT 'Band of that hour',
    `hours.users` Array(UInt64) COMMENT 'Distinct visitors of each such hour, summed over the days of the month; people only',
    `hours.accesses` Array(UInt64) COMMENT 'Accesses to pages and areas, people only',
    `hours.service_uses` Array(UInt64) COMMENT 'Service uses that were completed, people only',
    `hours.users_with_bots` Array(UInt64) COMMENT 'The same with bots',
    `hours.accesses_with_bots` Array(UInt64) COMMENT 'The same with bots',
    `hours.service_uses_with_bots` Array(UInt64) COMMENT 'The same with bots'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(month)
ORDER BY (month, ente)
COMMENT 'Use by hour of the day in each month, worked out from usage_hourly ahead of questions. It holds only while events and generation are those of usage_hourly: ask users_by_hour instead.'
