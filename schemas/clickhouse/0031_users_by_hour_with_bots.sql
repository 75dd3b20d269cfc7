CREATE OR REPLACE VIEW users_by_hour AS
SELECT
    hour_start,
    local_date,
    local_hour,
    band,
    uniqCombined64IfMergeIf(visitors, device != 'bot') AS users,
    sumIf(u.accesses, device != 'bot') AS accesses,
    uniqCombined64IfMerge(visitors) AS users_with_bots,
    sum(u.accesses) AS accesses_with_bots
FROM usage_hourly AS u
GROUP BY hour_start, local_date, local_hour, band
ORDER BY hour_start
COMMENT 'Distinct visitors and accesses of people in each hour that had any. For a mean, divide by the hours of the period, not by the rows. Bots are in the columns that say so only.'
