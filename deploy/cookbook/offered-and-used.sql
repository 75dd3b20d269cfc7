-- Quanti dei servizi offerti sono davvero utilizzati?
-- Services online on the last day of the year, and the number of them used in that year, by category. Services come from the
-- register: run "affluenza register apply" first.
WITH makeDate({year:UInt16}, 12, 31) AS last
SELECT
    s.category AS category,
    count() AS offered,
    countIf((d.ente, d.service) IN
    (
        SELECT u.ente, u.service FROM usage_hourly AS u
        WHERE device NOT IN ('bot', 'no-agent') AND u.service_uses > 0 AND toYear(local_date) = {year:UInt16}
    )) AS used
FROM deployments AS d
INNER JOIN services AS s ON s.code = d.service
WHERE d.valid_from <= last AND last < d.valid_to AND s.valid_from <= last AND last < s.valid_to
GROUP BY category
ORDER BY offered DESC, category
