SELECT toString(e.device) AS device, countIf(e.resource = 'page') AS accesses,
       countIf(e.activity = 'service-use' AND e.outcome = 'completed') AS service_uses
FROM usage_events AS e
WHERE toYYYYMMDD(local_date) BETWEEN {first:UInt32} AND {last:UInt32} AND ({before})
GROUP BY device ORDER BY device
