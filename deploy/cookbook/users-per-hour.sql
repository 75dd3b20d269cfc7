-- Quanti utenti ci sono in media in un'ora, di notte, in orario d'ufficio e di sera?
-- Mean users per hour of each band. The divisor is the number of hours of the year in Italy: the day on which clocks
-- go forward has no hour from 2 to 3, and the day on which they go back has two.
WITH
    toDateTime(makeDate({year:UInt16}, 1, 1), 'Europe/Rome') AS first,
    toDateTime(makeDate({year:UInt16} + 1, 1, 1), 'Europe/Rome') AS past
SELECT
    b.band AS band,
    b.users_hours AS users_hours,
    e.hours AS hours,
    round(users_hours / hours, 1) AS users_per_hour
FROM usage_by_hour_band AS b
INNER JOIN
(
    SELECT multiIf(hour < 8, 'night', hour < 18, 'office', 'evening') AS band, count() AS hours
    FROM (SELECT toHour(first + 3600 * number) AS hour FROM numbers(8784) WHERE first + 3600 * number < past)
    GROUP BY band
) AS e ON e.band = toString(b.band)
WHERE b.year = {year:UInt16}
ORDER BY b.band
