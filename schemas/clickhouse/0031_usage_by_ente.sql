CREATE OR REPLACE VIEW usage_by_ente{on_cluster}
(
    year UInt16 COMMENT 'Year of the local day',
    ente LowCardinality(String) COMMENT 'Code of the public body; its name is in the view enti',
    service_uses UInt64 COMMENT 'Completed service uses of people',
    of_which_plain UInt64 COMMENT 'Uses without payment or booking',
    of_which_payments UInt64 COMMENT 'Uses with a payment',
    of_which_bookings UInt64 COMMENT 'Uses with a booking',
    service_uses_with_bots UInt64 COMMENT 'Completed service uses, bots and clients without a user agent included'
)
AS
SELECT
    toYear(local_date) AS year,
    ente,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent')) AS service_uses,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent') AND kind = 'plain') AS of_which_plain,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent') AND kind = 'payment') AS of_which_payments,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent') AND kind = 'booking') AS of_which_bookings,
    sum(u.service_uses) AS service_uses_with_bots
FROM usage_hourly AS u
WHERE activity = 'service-use'
GROUP BY year, ente
HAVING service_uses_with_bots > 0
ORDER BY year, ente
COMMENT 'Completed service uses of people by year and ente. Kinds are disjoint and add up to service_uses. Bots and clients without a user agent are counted only in service_uses_with_bots.'
