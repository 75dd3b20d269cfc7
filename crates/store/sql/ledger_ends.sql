SELECT toUInt32(kafka_partition) AS kafka_partition, max(reached) AS next_offset FROM (
    SELECT kafka_partition, next_offset AS reached FROM ingest_ledger WHERE stream = {stream:String}
    UNION ALL
    SELECT kafka_partition, max(kafka_offset) + 1 FROM usage_events WHERE stream = {stream:String} GROUP BY kafka_partition)
GROUP BY kafka_partition
