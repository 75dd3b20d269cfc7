SELECT DISTINCT toString(rules) FROM usage_events
WHERE toYear(local_date) = {year:Int16} ORDER BY 1
