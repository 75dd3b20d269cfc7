INSERT INTO ingest_ledger
SELECT * REPLACE (toUInt64({control:UInt64}) AS control, written_at + 1 AS written_at)
FROM ingest_ledger FINAL
WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32}
  AND first_offset = {first_offset:UInt64} AND next_offset = {next_offset:UInt64}
SETTINGS insert_deduplicate = 0
