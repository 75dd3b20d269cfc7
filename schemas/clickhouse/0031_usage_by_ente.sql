CREATE OR REPLACE VIEW usage_by_ente{on_cluster} AS
SELECT
    toYear(local_date) AS year,
    ente,
    category,
    kind,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent')) AS service_uses,
    sum(u.service_uses) AS service_uses_with_bots
FROM usage_hourly AS u
WHERE activity = 'service-use'
GROUP BY year, ente, category, kind
HAVING service_uses_with_bots > 0
ORDER BY year, ente, category, kind
COMMENT 'Completed service uses of people by year, ente, category and kind. Bots and clients without a user agent are counted only in service_uses_with_bots.'
