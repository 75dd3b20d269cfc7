-- Quanti utilizzi per abitante ha ciascun ente?
-- How many uses for each hundred inhabitants? Names and inhabitants come from the register: run "affluenza register apply" first.
SELECT
    e.name AS name,
    sum(u.service_uses) AS uses,
    any(e.inhabitants) AS inhabitants,
    if(inhabitants = 0, NULL, round(100 * uses / inhabitants, 1)) AS uses_per_100_inhabitants
FROM usage_by_ente AS u
INNER JOIN enti AS e ON e.code = u.ente
WHERE year = {year:UInt16}
GROUP BY name
ORDER BY uses DESC, name
