SELECT DISTINCT month FROM (
    SELECT DISTINCT toYYYYMM(hour_start) AS month FROM usage_events WHERE {written} {hour_rows})
WHERE {of_months} ORDER BY month
