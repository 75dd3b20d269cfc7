SELECT DISTINCT month FROM (
    SELECT DISTINCT toYYYYMM(hour_start) AS month FROM usage_events WHERE toYYYYMM(time) = {month:UInt32}
    UNION ALL
    SELECT DISTINCT toYYYYMM(hour_start) FROM {shadow} WHERE toYYYYMM(time) = {month:UInt32})
ORDER BY month SETTINGS {long}
