SELECT toString(e.service) AS service, toString(e.category) AS category, count() AS service_uses, uniqExact(e.ente) AS enti
FROM usage_events AS e
WHERE toYYYYMMDD(local_date) BETWEEN {first:UInt32} AND {last:UInt32} AND ({before})
  AND device NOT IN ('bot', 'no-agent') AND activity = 'service-use' AND outcome = 'completed'
GROUP BY service, category ORDER BY service_uses DESC, service
