CREATE OR REPLACE VIEW users_by_hour AS
SELECT
    hour_start,
    local_date,
    local_hour,
    band,
    uniqCombined64IfMerge(visitors) AS users,
    sum(u.accesses) AS accesses
FROM usage_hourly AS u
WHERE device != 'bot'
GROUP BY hour_start, local_date, local_hour, band
ORDER BY hour_start
COMMENT 'Distinct visitors and accesses of people in each hour that had any. For a mean, divide by the hours of the period, not by the rows.'
