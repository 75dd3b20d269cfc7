SELECT toInt32(toStartOfMonth(u.local_date)) AS month, sum(u.events) AS events
FROM usage_hourly AS u
WHERE toStartOfMonth(u.local_date) BETWEEN toDate({first:Int32}) AND toDate({last:Int32})
GROUP BY month ORDER BY month
