CREATE OR REPLACE VIEW usage_by_country{on_cluster}
(
    year UInt16 COMMENT 'Year of the local day',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty if unknown',
    accesses UInt64 COMMENT 'Accesses of people to pages, without parts of pages and error answers',
    service_uses UInt64 COMMENT 'Completed service uses of people',
    accesses_with_bots UInt64 COMMENT 'Accesses to pages, bots and clients without a user agent included',
    service_uses_with_bots UInt64 COMMENT 'Completed service uses, bots and clients without a user agent included'
)
AS
SELECT
    toYear(local_date) AS year,
    country,
    sumIf(u.accesses, device NOT IN ('bot', 'no-agent')) AS accesses,
    sumIf(u.service_uses, device NOT IN ('bot', 'no-agent')) AS service_uses,
    sum(u.accesses) AS accesses_with_bots,
    sum(u.service_uses) AS service_uses_with_bots
FROM usage_hourly AS u
GROUP BY year, country
ORDER BY year, country
COMMENT 'Accesses and completed service uses by year and country (ISO 3166-1 alpha-2; empty if unknown). Bots and clients without a user agent are counted only in the columns with_bots.'
