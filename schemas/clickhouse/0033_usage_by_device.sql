CREATE OR REPLACE VIEW usage_by_device{on_cluster}
(
    year UInt16 COMMENT 'Year of the local day',
    device Enum8('unknown' = 0, 'desktop' = 1, 'smartphone' = 2, 'tablet' = 3, 'bot' = 4, 'other' = 5, 'no-agent' = 6) COMMENT 'Class of the device; people are all classes except bot and no-agent',
    accesses UInt64 COMMENT 'Accesses to pages, without parts of pages and error answers',
    service_uses UInt64 COMMENT 'Completed service uses'
)
AS
SELECT
    toYear(local_date) AS year,
    device,
    sum(u.accesses) AS accesses,
    sum(u.service_uses) AS service_uses
FROM usage_hourly AS u
GROUP BY year, device
ORDER BY year, device
COMMENT 'Accesses and completed service uses by year and class of device, with bots as a separate class.'
