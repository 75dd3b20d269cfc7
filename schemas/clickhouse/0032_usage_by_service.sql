CREATE OR REPLACE VIEW usage_by_service{on_cluster} AS
SELECT
    toYear(local_date) AS year,
    category,
    service,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent')) AS service_uses,
    uniqExactIf(u.ente, u.service_uses > 0 AND device NOT IN ('bot', 'no-agent')) AS enti,
    sum(u.service_uses) AS service_uses_with_bots,
    uniqExactIf(u.ente, u.service_uses > 0) AS enti_with_bots
FROM usage_hourly AS u
WHERE activity = 'service-use'
GROUP BY year, category, service
ORDER BY year, service_uses DESC
COMMENT 'Completed service uses of people by year and service, with the number of enti in which it was used. Bots and clients without a user agent are counted only in the columns with_bots.'
