INSERT INTO usage_events ({columns})
SELECT {values} FROM (SELECT * FROM {live}.usage_events WHERE {condition}) AS e
ASOF INNER JOIN rebuild_codes AS c
ON e.ente = c.ente AND e.portal = c.portal AND e.service = c.service AND toUInt16(e.local_date) >= c.from_day
SETTINGS {long}
