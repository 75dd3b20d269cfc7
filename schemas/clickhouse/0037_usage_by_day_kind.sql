CREATE OR REPLACE VIEW usage_by_day_kind{on_cluster}
(
    year UInt16 COMMENT 'Year of the local day',
    ente LowCardinality(String) COMMENT 'Code of the public body; its name is in the view enti',
    day_kind String COMMENT 'working, weekend or holiday',
    days_with_usage UInt64 COMMENT 'Days with an event of people',
    accesses UInt64 COMMENT 'Accesses of people to pages, without parts of pages and error answers',
    service_uses UInt64 COMMENT 'Completed service uses of people',
    accesses_with_bots UInt64 COMMENT 'Accesses to pages, bots and clients without a user agent included',
    service_uses_with_bots UInt64 COMMENT 'Completed service uses, bots and clients without a user agent included'
)
AS
SELECT
    toYear(local_date) AS year,
    ente,
    multiIf((ente, local_date) IN (SELECT h.ente, h.day FROM holidays AS h), 'holiday', toDayOfWeek(local_date) > 5, 'weekend', 'working') AS day_kind,
    uniqExactIf(local_date, device NOT IN ('bot', 'no-agent')) AS days_with_usage,
    sumIf(u.accesses, device NOT IN ('bot', 'no-agent')) AS accesses,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent')) AS service_uses,
    sum(u.accesses) AS accesses_with_bots,
    sum(u.service_uses) AS service_uses_with_bots
FROM usage_hourly AS u
GROUP BY year, ente, day_kind
ORDER BY year, ente, day_kind
COMMENT 'Accesses and completed service uses of people by year, ente and kind of day: working, weekend or holiday, patron saints included. Bots and clients without a user agent are counted only in the columns with_bots.'
