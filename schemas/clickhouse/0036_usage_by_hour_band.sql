CREATE OR REPLACE VIEW usage_by_hour_band{on_cluster}
(
    year UInt16 COMMENT 'Year of the local day',
    band Enum8('night' = 1, 'office' = 2, 'evening' = 3) COMMENT 'Band of the local hour: night [00,08), office [08,18), evening [18,24)',
    users_hours UInt64 COMMENT 'Users of the hours, added up; for a mean, divide by the hours of the band that existed in the year',
    hours_with_users UInt64 COMMENT 'Hours with a user or an access',
    accesses UInt64 COMMENT 'Accesses of people to pages, without parts of pages and error answers',
    users_hours_with_bots UInt64 COMMENT 'The same, bots and clients without a user agent included',
    accesses_with_bots UInt64 COMMENT 'Accesses to pages, bots and clients without a user agent included'
)
AS
SELECT
    toYear(local_date) AS year,
    band,
    sum(u.users) AS users_hours,
    countIf(u.users > 0 OR u.accesses > 0) AS hours_with_users,
    sum(u.accesses) AS accesses,
    sum(u.users_with_bots) AS users_hours_with_bots,
    sum(u.accesses_with_bots) AS accesses_with_bots
FROM users_by_hour AS u
GROUP BY year, band
ORDER BY year, band
COMMENT 'Users summed over the hours of each band, and accesses. Mean users per hour = users_hours / hours of the band in the year. Bots and clients without a user agent are counted only in the columns with_bots.'
