CREATE TABLE IF NOT EXISTS usage_hourly{local}{on_cluster}
(
    hour_start DateTime('UTC') COMMENT 'Start of the local hour, as an instant',
    local_date Date COMMENT 'Day in the time zone of the portal',
    local_hour UInt8 COMMENT 'Hour of the day in the time zone of the portal, 0 to 23',
    band Enum8('night' = 1, 'office' = 2, 'evening' = 3) COMMENT 'Band of the local hour',
    ente LowCardinality(String) COMMENT 'Public body',
    portal LowCardinality(String) COMMENT 'Portal',
    service LowCardinality(String) COMMENT 'Service; empty without a service',
    category LowCardinality(String) COMMENT 'Category of the service',
    activity Enum8('access' = 1, 'service-use' = 2) COMMENT 'Access or service use',
    kind Enum8('none' = 0, 'plain' = 1, 'payment' = 2, 'booking' = 3) COMMENT 'Kind of a service use',
    outcome Enum8('completed' = 1, 'abandoned' = 2, 'failed' = 3) COMMENT 'Completed, abandoned or failed; a failed access was answered with an error',
    {attributes_of_hours},
    events SimpleAggregateFunction(sum, UInt64) COMMENT 'All events',
    accesses SimpleAggregateFunction(sum, UInt64) COMMENT 'Accesses to pages and areas, without parts of pages such as pictures and without error answers',
    service_uses SimpleAggregateFunction(sum, UInt64) COMMENT 'Completed service uses',
    visitors AggregateFunction(uniqCombined64If, UInt64, UInt8) COMMENT 'Distinct visitors of pages and services: uniqCombined64IfMerge(visitors)',
    PROJECTION by_month
    (
        SELECT
            toStartOfMonth(local_date), ente, category, service, kind, device,
            sum(service_uses), sum(accesses), sum(events)
        GROUP BY toStartOfMonth(local_date), ente, category, service, kind, device
    ),
    PROJECTION by_hour
    (
        SELECT
            local_date, hour_start, local_hour, band, ente, device,
            sum(service_uses), sum(accesses), sum(events), uniqCombined64IfMerge(visitors)
        GROUP BY local_date, hour_start, local_hour, band, ente, device
    ),
    PROJECTION by_login
    (
        SELECT
            toStartOfMonth(local_date), ente, portal, portal_kind, kind, login, channel, country, device,
            sum(service_uses), sum(accesses), sum(events)
        GROUP BY toStartOfMonth(local_date), ente, portal, portal_kind, kind, login, channel, country, device
    )
)
ENGINE = {replicated}AggregatingMergeTree({path})
PARTITION BY toYYYYMM(hour_start)
ORDER BY (ente, category, local_date, local_hour, hour_start, service, portal, activity, kind, outcome, {attributes}, band)
SETTINGS {window} = 100000,
    deduplicate_merge_projection_mode = 'rebuild',
    materialize_projections_on_insert = 0,
    materialize_projections_on_merge = 1,
    lightweight_mutation_projection_mode = 'rebuild',
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1
COMMENT 'Aggregate of usage_events by hour and by every dimension of the dashboards'
