CREATE OR REPLACE VIEW usage_by_category AS
SELECT
    toYear(local_date) AS year,
    category,
    sum(u.service_uses) AS service_uses,
    sumIf(u.service_uses, kind = 'plain') AS of_which_plain,
    sumIf(u.service_uses, kind = 'payment') AS of_which_payments,
    sumIf(u.service_uses, kind = 'booking') AS of_which_bookings
FROM usage_hourly AS u
WHERE device != 'bot' AND activity = 'service-use'
GROUP BY year, category
ORDER BY year, category
COMMENT 'Completed service uses of people by year and category. Kinds are disjoint and add up to service_uses.'
