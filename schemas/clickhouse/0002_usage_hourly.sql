CREATE TABLE IF NOT EXISTS usage_hourly
(
    hour_start DateTime('UTC') COMMENT 'Start of the local hour, as an instant',
    local_date Date COMMENT 'Day in the time zone of the portal',
    local_hour UInt8 COMMENT 'Hour of the day in the time zone of the portal, 0 to 23',
    band Enum8('night' = 1, 'office' = 2, 'evening' = 3) COMMENT 'Band of the local hour',
    ente LowCardinality(String) COMMENT 'Public body',
    portal LowCardinality(String) COMMENT 'Portal',
    service LowCardinality(String) COMMENT 'Service, empty without one',
    category LowCardinality(String) COMMENT 'Category of the service',
    activity Enum8('access' = 1, 'service-use' = 2) COMMENT 'What was done',
    kind Enum8('none' = 0, 'plain' = 1, 'payment' = 2, 'booking' = 3) COMMENT 'Kind of a service use',
    outcome Enum8('completed' = 1, 'abandoned' = 2, 'failed' = 3) COMMENT 'How it ended',
    channel Enum8('web' = 1, 'app' = 2, 'desk' = 3, 'import' = 4) COMMENT 'Where it came in',
    login Enum8('none' = 1, 'password' = 2, 'spid-1' = 3, 'spid-2' = 4, 'spid-3' = 5, 'cie' = 6, 'cns' = 7) COMMENT 'How the person was identified',
    device Enum8('unknown' = 0, 'desktop' = 1, 'smartphone' = 2, 'tablet' = 3, 'bot' = 4, 'other' = 5) COMMENT 'Class of the device; leave bot out to count people',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2, empty when unknown',
    events SimpleAggregateFunction(sum, UInt64) COMMENT 'All events',
    accesses SimpleAggregateFunction(sum, UInt64) COMMENT 'Accesses to pages and areas; parts of pages, such as pictures, are not among them',
    service_uses SimpleAggregateFunction(sum, UInt64) COMMENT 'Service uses that were completed',
    visitors AggregateFunction(uniqCombined64If, UInt64, UInt8) COMMENT 'Distinct visitors of pages and services: uniqCombined64IfMerge(visitors)'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour_start)
ORDER BY (ente, category, local_date, local_hour, hour_start, service, portal, activity, kind, outcome, channel, login, device, country, band)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Aggregate of usage_events by hour and every dimension of the dashboards'
