CREATE OR REPLACE VIEW users_by_hour{on_cluster} AS
SELECT
    hour_start,
    local_date,
    local_hour,
    band,
    sum(e.users) AS users,
    sum(e.accesses) AS accesses,
    sum(e.users_with_bots) AS users_with_bots,
    sum(e.accesses_with_bots) AS accesses_with_bots
FROM
(
    SELECT
        u.hour_start AS hour_start,
        u.local_date AS local_date,
        u.local_hour AS local_hour,
        u.band AS band,
        u.ente AS ente,
        uniqCombined64IfMergeIf(u.visitors, u.device NOT IN ('bot', 'no-agent')) AS users,
        sumIf(u.accesses, u.device NOT IN ('bot', 'no-agent')) AS accesses,
        uniqCombined64IfMerge(u.visitors) AS users_with_bots,
        sum(u.accesses) AS accesses_with_bots
    FROM usage_hourly AS u
    GROUP BY u.hour_start, u.local_date, u.local_hour, u.band, u.ente
) AS e
GROUP BY hour_start, local_date, local_hour, band
ORDER BY hour_start
COMMENT 'Distinct visitors of each ente in each hour with events, summed over the enti, and accesses of people. For a mean, divide by the hours of the period, not by the rows. Bots and clients without a user agent are counted only in the columns with_bots.'
