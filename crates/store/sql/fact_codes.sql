SELECT DISTINCT toString(e.ente) AS ente, toString(e.portal) AS portal, toString(e.service) AS service
FROM usage_events AS e WHERE toYYYYMM(e.time) IN {months:Array(UInt32)} SETTINGS {long}
