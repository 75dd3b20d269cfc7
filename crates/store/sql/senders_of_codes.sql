SELECT toString(u.ente) AS ente, toString(u.portal) AS portal, uniqExact(u.service) AS codes, sum(u.events) AS events
FROM usage_hourly AS u WHERE u.category = 'unregistered'
GROUP BY u.ente, u.portal HAVING codes > 1 ORDER BY codes DESC, events DESC, ente, portal LIMIT 5
