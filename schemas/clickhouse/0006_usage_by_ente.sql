CREATE OR REPLACE VIEW usage_by_ente AS
SELECT
    toYear(local_date) AS year,
    ente,
    category,
    kind,
    sum(u.service_uses) AS service_uses
FROM usage_hourly AS u
WHERE device != 'bot' AND activity = 'service-use'
GROUP BY year, ente, category, kind
HAVING service_uses > 0
ORDER BY year, ente, category, kind
COMMENT 'Completed service uses of people by year, ente, category and kind.'
