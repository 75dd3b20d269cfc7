SELECT toUnixTimestamp64Milli(time) AS time_ms, identity FROM usage_events
WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32} AND kafka_offset < {before_offset:UInt64}
ORDER BY time DESC LIMIT {limit:UInt64}
