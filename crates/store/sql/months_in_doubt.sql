SELECT d.month AS month, min(toUnixTimestamp(d.since)) AS since,
       toInt32(any(toDate(concat(toString(d.month), '01'))) - 1) AS first_day,
       toInt32(addMonths(any(toDate(concat(toString(d.month), '01'))), 1)) AS last_day,
       toBool(max(d.held_until) > now()) AS is_held
FROM months_in_doubt AS d FINAL WHERE NOT d.settled
GROUP BY d.month ORDER BY month
