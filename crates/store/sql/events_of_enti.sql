SELECT toInt32(toStartOfMonth(u.local_date)) AS month, toString(u.ente) AS ente, sum(u.events) AS events
FROM usage_hourly AS u
WHERE toInt32(toStartOfMonth(u.local_date)) IN {months:Array(Int32)}
GROUP BY month, ente
