SELECT toString(s.ente) AS ente, toString(s.portal) AS portal, s.silent_seconds AS silent_seconds
FROM silent_portals AS s LIMIT {named_max:UInt64}
