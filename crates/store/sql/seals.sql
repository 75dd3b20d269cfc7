SELECT s.number AS number, s.year AS year, s.month AS month, s.cause AS cause, toUnixTimestamp(s.sealed_at) AS sealed_at,
       s.content AS content, s.previous AS previous, s.hash AS hash
FROM sealed_years AS s ORDER BY number, hash
