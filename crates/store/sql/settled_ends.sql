SELECT kafka_partition, max(next_offset) FROM ingest_ledger
WHERE stream = {stream:String} GROUP BY kafka_partition
