CREATE OR REPLACE VIEW users_by_hour{on_cluster}
(
    hour_start DateTime('UTC') COMMENT 'Start of the local hour, as an instant',
    local_date Date COMMENT 'Day in the time zone of the portal',
    local_hour UInt8 COMMENT 'Hour of the day in the time zone of the portal, 0 to 23',
    band Enum8('night' = 1, 'office' = 2, 'evening' = 3) COMMENT 'Band of the local hour: night [00,08), office [08,18), evening [18,24)',
    users UInt64 COMMENT 'Distinct visitors of each ente in the hour, added up; people only',
    accesses UInt64 COMMENT 'Accesses of people to pages, without parts of pages and error answers',
    users_with_bots UInt64 COMMENT 'The same, bots and clients without a user agent included',
    accesses_with_bots UInt64 COMMENT 'Accesses to pages, bots and clients without a user agent included'
)
AS
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
