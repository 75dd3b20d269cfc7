-- Quanti visitatori diversi ha ogni ente in un giorno?
-- Mean and greatest number of distinct visitors of a day. Visitors cannot be told from one day to the next, by design: daily
-- numbers must not be added up to people of a month.
SELECT ente, round(avg(visitors)) AS mean_visitors_a_day, max(visitors) AS most, argMax(local_date, visitors) AS on_day
FROM
(
    SELECT ente, local_date, uniqCombined64IfMergeIf(u.visitors, device != 'bot') AS visitors
    FROM usage_hourly AS u
    WHERE toYear(local_date) = {year:UInt16}
    GROUP BY ente, local_date
)
GROUP BY ente
ORDER BY mean_visitors_a_day DESC, ente
