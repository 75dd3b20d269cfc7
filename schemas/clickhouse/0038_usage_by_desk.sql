CREATE OR REPLACE VIEW usage_by_desk{on_cluster}
(
    year UInt16 COMMENT 'Year of the local day',
    ente LowCardinality(String) COMMENT 'Code of the public body; its name is in the view enti',
    desk String COMMENT 'State of the desk at that minute: open or closed; unknown if the register has no desk hours',
    accesses UInt64 COMMENT 'Accesses of people to pages, without parts of pages and error answers',
    service_uses UInt64 COMMENT 'Completed service uses of people',
    accesses_with_bots UInt64 COMMENT 'Accesses to pages, bots and clients without a user agent included',
    service_uses_with_bots UInt64 COMMENT 'Completed service uses, bots and clients without a user agent included'
)
AS
SELECT
    toYear(u.local_date) AS year,
    u.ente AS ente,
    multiIf(
        empty(d.week), 'unknown',
        (u.ente, u.local_date) IN (SELECT h.ente, h.day FROM holidays AS h), 'closed',
        arrayExists(o -> o.1 = toDayOfWeek(u.local_date) AND minute >= o.2 AND minute < o.3, d.week), 'open',
        'closed') AS desk,
    countIf(u.resource = 'page' AND u.device NOT IN ('bot', 'no-agent')) AS accesses,
    countIf(u.activity = 'service-use' AND u.outcome = 'completed' AND u.device NOT IN ('bot', 'no-agent')) AS service_uses,
    countIf(u.resource = 'page') AS accesses_with_bots,
    countIf(u.activity = 'service-use' AND u.outcome = 'completed') AS service_uses_with_bots
FROM (SELECT *, toUInt16(local_hour) * 60 + intDiv(toUnixTimestamp(time) - toUnixTimestamp(hour_start), 60) AS minute FROM usage_events) AS u
LEFT JOIN (SELECT h.ente AS ente, groupArray((h.weekday, h.opens, h.closes)) AS week FROM desk_hours AS h GROUP BY h.ente) AS d ON u.ente = d.ente
GROUP BY year, ente, desk
ORDER BY year, ente, desk
COMMENT 'Accesses and completed service uses of people by year, ente and state of its desk at that minute; unknown if the register has no desk hours. Bots and clients without a user agent are counted only in the columns with_bots.'
