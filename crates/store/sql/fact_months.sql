SELECT DISTINCT toYYYYMM(time) AS month FROM {live}.usage_events WHERE {of_months}
UNION DISTINCT
SELECT DISTINCT toYYYYMM(time) AS month FROM usage_events WHERE {of_months} ORDER BY month
