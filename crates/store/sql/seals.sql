SELECT s.number AS number, s.year AS year, s.month AS month, s.previous AS previous, s.hash AS hash
FROM sealed_years AS s ORDER BY number, hash
