INSERT INTO {live}.rebuild_changes (id, month, year, ente, category, kind, device, to_ente, to_category, to_kind, to_device, why,
                events, accesses, service_uses)
SELECT {id:String}, {month:UInt32}, toYear(a.local_date), toString(a.ente), toString(a.category), toString(a.kind), toString(a.device),
       toString(b.ente), toString(b.category), toString(b.kind), toString(b.device),
       arrayStringConcat(arrayFilter(cause -> cause != '', [
           if(a.ente != b.ente, 'register: ente', ''),
           if(a.portal != b.portal, 'register: portal', ''),
           if(a.service != b.service, 'register: service', ''),
           if(a.category != b.category, 'register: category', ''),
           if(a.portal_kind != b.portal_kind, 'register: kind of the portal', ''),
           if(a.kind != b.kind, 'kind', ''),
           if(a.device != b.device OR a.device_rule != b.device_rule,
              concat('device rule: ', a.device_rule, ' -> ', b.device_rule), ''),
           {causes}]), ', ') AS why,
       count(), countIf(a.resource = 'page'), countIf(a.activity = 'service-use' AND a.outcome = 'completed')
FROM (SELECT identity, ente, portal, service, category, kind, device, device_rule, portal_kind, {others}
      FROM {live}.usage_events WHERE toYYYYMM(time) = {month:UInt32} AND {condition}) AS a
INNER JOIN (SELECT identity, ente, portal, service, category, kind, device, device_rule, portal_kind, {others}
            FROM usage_events WHERE toYYYYMM(time) = {month:UInt32}) AS b
ON a.identity = b.identity
WHERE why != ''
GROUP BY ALL SETTINGS {long}, join_algorithm = 'grace_hash', max_bytes_in_join = 200000000
