SELECT DISTINCT toString(rules) FROM usage_events
WHERE toYYYYMMDD(local_date) BETWEEN {first:UInt32} AND {last:UInt32} ORDER BY 1
