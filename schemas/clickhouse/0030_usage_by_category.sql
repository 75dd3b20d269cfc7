CREATE OR REPLACE VIEW usage_by_category{on_cluster} AS
SELECT
    toYear(local_date) AS year,
    category,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent')) AS service_uses,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent') AND kind = 'plain') AS of_which_plain,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent') AND kind = 'payment') AS of_which_payments,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent') AND kind = 'booking') AS of_which_bookings,
    sum(u.service_uses) AS service_uses_with_bots
FROM usage_hourly AS u
WHERE activity = 'service-use'
GROUP BY year, category
ORDER BY year, category
COMMENT 'Completed service uses of people by year and category. Kinds are disjoint and add up to service_uses. Bots and clients without a user agent are counted only in service_uses_with_bots.'
