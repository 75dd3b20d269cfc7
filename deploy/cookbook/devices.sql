-- Con quali dispositivi si accede?
-- Share of accesses by class of device; bots are left out.
SELECT
    device,
    accesses,
    round(100 * accesses / sum(accesses) OVER (), 1) AS share_percent
FROM usage_by_device
WHERE year = {year:UInt16} AND device NOT IN ('bot', 'no-agent')
ORDER BY accesses DESC
