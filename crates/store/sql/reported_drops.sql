SELECT toString(r.ente) AS ente, toString(r.reason) AS reason, sum(r.events) AS events, uniqExact(r.producer) AS producers
FROM client_reports AS r FINAL WHERE r.events > 0
GROUP BY ente, reason ORDER BY ente, reason
