SELECT first_offset, next_offset FROM ingest_ledger FINAL
WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32}
  AND first_offset < {next_offset:UInt64} AND next_offset > {first_offset:UInt64}
ORDER BY first_offset
