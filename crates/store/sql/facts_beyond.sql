SELECT min(kafka_offset) AS first_offset, max(kafka_offset) AS last_offset, count() AS facts FROM usage_events
WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32} AND kafka_offset >= {offset:UInt64}
