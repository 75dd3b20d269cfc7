SELECT c.year AS year, c.ente AS ente, toString(c.category) AS category, toString(c.kind) AS kind, toString(c.device) AS device,
       c.to_ente AS to_ente, toString(c.to_category) AS to_category, toString(c.to_kind) AS to_kind, toString(c.to_device) AS to_device,
       c.why AS why, sum(c.events) AS events, sum(c.accesses) AS accesses, sum(c.service_uses) AS service_uses
FROM rebuild_changes AS c WHERE c.id = {id:String} GROUP BY ALL
ORDER BY abs(events) DESC, year, ente, category, kind, device, to_ente, to_category, to_kind, to_device, why
