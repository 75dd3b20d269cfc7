INSERT INTO {live}.rebuild_changes (id, month, year, ente, category, kind, device, why, events, accesses, service_uses)
SELECT {id:String}, {month:UInt32}, toYear(a.local_date), toString(a.ente), toString(a.category), toString(a.kind), toString(a.device),
       'removed: the log does not give this event', -toInt64(count()), -toInt64(countIf(a.resource = 'page')),
       -toInt64(countIf(a.activity = 'service-use' AND a.outcome = 'completed'))
FROM {live}.usage_events AS a
WHERE toYYYYMM(a.time) = {month:UInt32} AND {condition}
  AND a.identity NOT IN (SELECT identity FROM usage_events WHERE toYYYYMM(time) = {month:UInt32})
GROUP BY ALL SETTINGS {long}
