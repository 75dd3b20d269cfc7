-- Quanti accessi alla rete civica ha ciascun ente, per residente?
-- Accesses and visitors of the civic networks, and accesses for each resident of the register. Run "affluenza register apply"
-- first. Do not add up the residents: those of a union are residents of its municipalities, too.
SELECT
    p.ente AS ente,
    sum(p.accesses) AS civic_accesses,
    sum(p.visitors_days) AS civic_visitors_days,
    any(e.inhabitants) AS residents,
    any(e.inhabitants_year) AS residents_year,
    round(civic_accesses / nullIf(residents, 0), 2) AS accesses_per_resident
FROM usage_by_portal AS p
LEFT JOIN enti AS e ON e.code = p.ente
WHERE p.year = {year:UInt16} AND p.portal_kind = 'civic'
GROUP BY p.ente
ORDER BY accesses_per_resident DESC, ente
