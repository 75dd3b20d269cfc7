CREATE OR REPLACE VIEW usage_by_day_kind AS
SELECT
    toYear(local_date) AS year,
    ente,
    multiIf((ente, local_date) IN (SELECT h.ente, h.day FROM holidays AS h), 'holiday', toDayOfWeek(local_date) > 5, 'weekend', 'working') AS day_kind,
    uniqExact(local_date) AS days_with_usage,
    sum(u.accesses) AS accesses,
    sum(u.service_uses) AS service_uses
FROM usage_hourly AS u
WHERE device != 'bot'
GROUP BY year, ente, day_kind
ORDER BY year, ente, day_kind
COMMENT 'Accesses and completed service uses of people by year, ente and kind of day: working, weekend or holiday, patron saints included.'
