CREATE OR REPLACE VIEW silent_portals{on_cluster}
(
    ente LowCardinality(String) COMMENT 'Code of the public body; its name is in the view enti',
    portal LowCardinality(String) COMMENT 'Code of the portal',
    last_hour DateTime('UTC') COMMENT 'Start of the last hour with an event',
    silent_seconds UInt64 COMMENT 'Seconds since the end of that hour',
    usual_seconds UInt64 COMMENT 'Longest pause in the last five weeks, in seconds',
    active_days UInt64 COMMENT 'Days with events in the last five weeks'
)
AS
SELECT
    ente,
    portal,
    toDateTime(arrayMax(hours), 'UTC') AS last_hour,
    toUInt64(greatest(toInt64(toUnixTimestamp(now())) - arrayMax(hours) - 3600, 0)) AS silent_seconds,
    toUInt64(arrayMax(arrayDifference(hours))) AS usual_seconds,
    length(arrayDistinct(arrayMap(hour -> intDiv(hour, 86400), hours))) AS active_days
FROM
(
    SELECT u.ente AS ente, u.portal AS portal, arraySort(groupUniqArray(toInt64(toUnixTimestamp(u.hour_start)))) AS hours
    FROM usage_hourly AS u
    WHERE u.hour_start >= now() - INTERVAL 35 DAY AND u.channel != 'import'
    GROUP BY u.ente, u.portal
)
WHERE active_days >= 5 AND silent_seconds > greatest(2 * usual_seconds, 21600)
ORDER BY silent_seconds DESC
COMMENT 'Portals without events for more than six hours and more than twice their longest pause in the last five weeks, including nights and weekends. Without imported events, and without portals with events on fewer than five days.'
