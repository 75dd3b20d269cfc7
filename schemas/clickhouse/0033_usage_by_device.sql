CREATE OR REPLACE VIEW usage_by_device{on_cluster} AS
SELECT
    toYear(local_date) AS year,
    device,
    sum(u.accesses) AS accesses,
    sum(u.service_uses) AS service_uses
FROM usage_hourly AS u
GROUP BY year, device
ORDER BY year, device
COMMENT 'Accesses and completed service uses by year and class of device, with bots as a separate class.'
