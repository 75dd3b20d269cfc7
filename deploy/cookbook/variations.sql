-- Quali servizi sono cresciuti o calati di più?
-- The largest changes from the year before, by service and ente, including new and retired services.
SELECT
    ente,
    service,
    sumIf(u.service_uses, toYear(local_date) = {year:UInt16}) AS uses,
    sumIf(u.service_uses, toYear(local_date) = {year:UInt16} - 1) AS uses_before,
    toInt64(uses) - toInt64(uses_before) AS difference
FROM usage_hourly AS u
WHERE device NOT IN ('bot', 'no-agent') AND activity = 'service-use' AND toYear(local_date) IN ({year:UInt16}, {year:UInt16} - 1)
GROUP BY ente, service
HAVING uses + uses_before > 0
ORDER BY abs(difference) DESC, ente, service
LIMIT 20
