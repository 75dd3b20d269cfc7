CREATE OR REPLACE VIEW usage_by_service AS
SELECT
    toYear(local_date) AS year,
    category,
    service,
    sum(u.service_uses) AS service_uses,
    uniqExactIf(u.ente, u.service_uses > 0) AS enti
FROM usage_hourly AS u
WHERE device != 'bot' AND activity = 'service-use'
GROUP BY year, category, service
ORDER BY year, service_uses DESC
COMMENT 'Completed service uses of people by year and service, with the number of enti where it was used.'
