SELECT identity FROM usage_events
WHERE {of_pass} AND identity IN (SELECT identity FROM usage_events WHERE {of_pass} AND {suspect})
GROUP BY identity HAVING count() > 1 LIMIT {copies_max} {settings}
