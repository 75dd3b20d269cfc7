CREATE OR REPLACE VIEW usage_by_hour_band AS
SELECT
    toYear(local_date) AS year,
    band,
    sum(u.users) AS users_hours,
    count() AS hours_with_users,
    sum(u.accesses) AS accesses
FROM users_by_hour AS u
GROUP BY year, band
ORDER BY year, band
COMMENT 'Users summed over the hours of each band, and accesses. Mean users per hour = users_hours / hours of the band that existed in the year.'
