SELECT kafka_partition, max(kafka_offset) + 1 FROM usage_events
WHERE stream = {stream:String} AND {facts} GROUP BY kafka_partition
