-- Quanti visitatori diversi ha ogni ente in un giorno?
-- Mean and greatest number of distinct visitors in a day. By design a visitor cannot be recognised on another day, so daily
-- numbers must not be added up to people in a month.
SELECT ente, round(avg(visitors)) AS mean_visitors_a_day, max(visitors) AS most, argMax(local_date, visitors) AS on_day
FROM
(
    SELECT ente, local_date, uniqCombined64IfMergeIf(u.visitors, device NOT IN ('bot', 'no-agent')) AS visitors
    FROM usage_hourly AS u
    WHERE toYear(local_date) = {year:UInt16}
    GROUP BY ente, local_date
)
GROUP BY ente
ORDER BY mean_visitors_a_day DESC, ente
