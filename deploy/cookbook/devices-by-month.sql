-- Come cambia di mese in mese la quota di smartphone e tablet?
-- Share of accesses from smartphones and tablets, month by month.
SELECT
    toStartOfMonth(local_date) AS month,
    round(100 * sumIf(u.accesses, device IN ('smartphone', 'tablet')) / sum(u.accesses), 1) AS mobile_percent
FROM usage_hourly AS u
WHERE device NOT IN ('bot', 'no-agent') AND toYear(local_date) = {year:UInt16}
GROUP BY month
HAVING sum(u.accesses) > 0
ORDER BY month
