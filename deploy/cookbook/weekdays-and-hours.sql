-- In quali giorni e a che ora si accede?
-- Accesses by weekday (1 is Monday) and local hour: 168 cells for a heat map.
SELECT
    toDayOfWeek(local_date) AS weekday,
    local_hour AS hour,
    sum(u.accesses) AS accesses
FROM usage_hourly AS u
WHERE device NOT IN ('bot', 'no-agent') AND toYear(local_date) = {year:UInt16}
GROUP BY weekday, hour
ORDER BY weekday, hour
