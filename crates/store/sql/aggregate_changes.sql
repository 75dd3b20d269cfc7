INSERT INTO {changes} (id, month, year, ente, category, kind, device, to_ente, to_category, to_kind, to_device,
                 cells, events, accesses, service_uses)
SELECT {id:String}, {month:UInt32}, toYear(local_date) AS year, toString(ente) AS b, toString(category) AS c, toString(kind) AS k,
       toString(device) AS d, b, c, k, d, count(), sum(e), sum(a), sum(s)
FROM (
    SELECT {dimensions}, sum(e1) AS e, sum(a1) AS a, sum(s1) AS s FROM (
        SELECT {dimensions}, toInt64(events) AS e1, toInt64(accesses) AS a1, toInt64(service_uses) AS s1
        FROM {shadow} WHERE toYYYYMM(hour_start) = {month:UInt32}
        UNION ALL
        SELECT {dimensions}, -toInt64(events), -toInt64(accesses), -toInt64(service_uses)
        FROM usage_hourly WHERE toYYYYMM(hour_start) = {month:UInt32}
        UNION ALL
        SELECT {dimensions}, toInt64(1), toInt64(resource = 'page'), toInt64(activity = 'service-use' AND outcome = 'completed')
        FROM usage_events WHERE {within} AND NOT {settled})
    GROUP BY {dimensions} HAVING e != 0 OR a != 0 OR s != 0)
GROUP BY year, b, c, k, d SETTINGS {long}
