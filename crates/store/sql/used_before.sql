SELECT toString(e.ente) AS ente, toString(e.category) AS category, toString(e.kind) AS kind, count() AS service_uses
FROM usage_events AS e
WHERE toYYYYMMDD(local_date) BETWEEN {first:UInt32} AND {last:UInt32} AND ({before})
  AND device NOT IN ('bot', 'no-agent') AND activity = 'service-use' AND outcome = 'completed'
GROUP BY ente, category, kind ORDER BY ente, category, kind
