CREATE OR REPLACE VIEW usage_by_hour_band{on_cluster} AS
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
