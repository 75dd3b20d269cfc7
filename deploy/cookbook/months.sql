-- Come si distribuiscono gli utilizzi nei mesi?
-- Uses and accesses of people month by month. Months without events are included.
SELECT
    toStartOfMonth(local_date) AS month,
    sum(u.service_uses) AS uses,
    sum(u.accesses) AS accesses
FROM usage_hourly AS u
WHERE device NOT IN ('bot', 'no-agent') AND toYear(local_date) = {year:UInt16}
GROUP BY month
ORDER BY month WITH FILL FROM makeDate({year:UInt16}, 1, 1) TO makeDate({year:UInt16} + 1, 1, 1) STEP INTERVAL 1 MONTH
