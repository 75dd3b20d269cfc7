INSERT INTO {live}.rebuild_changes (id, month, year, to_ente, to_category, to_kind, to_device, why, events, accesses, service_uses)
SELECT {id:String}, {month:UInt32}, toYear(b.local_date), toString(b.ente), toString(b.category), toString(b.kind), toString(b.device),
       'added: the log gives this event', toInt64(count()), toInt64(countIf(b.resource = 'page')),
       toInt64(countIf(b.activity = 'service-use' AND b.outcome = 'completed'))
FROM usage_events AS b
WHERE toYYYYMM(b.time) = {month:UInt32}
  AND b.identity NOT IN (SELECT identity FROM {live}.usage_events WHERE toYYYYMM(time) = {month:UInt32} AND {condition})
GROUP BY ALL SETTINGS {long}
