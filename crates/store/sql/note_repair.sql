INSERT INTO ingest_repairs (stream, kafka_partition, first_offset, next_offset, what, records)
SELECT {stream:String}, {kafka_partition:UInt32}, {first_offset:UInt64}, {next_offset:UInt64}, {what:String}, {records:UInt64}
