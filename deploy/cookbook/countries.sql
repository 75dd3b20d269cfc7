-- Da dove si accede?
-- Accesses from Italy, from abroad, and from an unknown country.
SELECT multiIf(country = 'IT', 'Italy', country = '', 'unknown', 'abroad') AS origin, sum(c.accesses) AS accesses
FROM usage_by_country AS c
WHERE year = {year:UInt16}
GROUP BY origin
ORDER BY accesses DESC
