SELECT toString(u.ente) AS ente, toString(u.portal) AS portal, toString(u.service) AS service,
       toUInt8(u.category = 'unregistered') AS unregistered, sum(u.events) AS events,
       toString(min(u.local_date)) AS first_day, toString(max(u.local_date)) AS last_day
FROM usage_hourly AS u
GROUP BY ente, portal, service, unregistered HAVING events > 0
ORDER BY events DESC, ente, portal, service
