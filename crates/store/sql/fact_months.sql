SELECT DISTINCT toYYYYMM(time) AS month FROM usage_events
WHERE {of_months} ORDER BY month
