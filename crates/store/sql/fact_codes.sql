SELECT toString(e.ente) AS ente, toString(e.portal) AS portal, toString(e.service) AS service,
       toUInt16(min(e.local_date)) AS first_day, toUInt16(max(e.local_date)) AS last_day
FROM {live}.usage_events AS e WHERE {condition}
GROUP BY ente, portal, service SETTINGS {long}
