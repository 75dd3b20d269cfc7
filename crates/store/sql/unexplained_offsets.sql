SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, l.first_offset AS first_offset,
       l.next_offset AS next_offset, l.records_read AS records_read, l.control + l.lost AS control
FROM ingest_ledger AS l FINAL
WHERE l.next_offset - l.first_offset != l.records_read + l.control + l.lost
ORDER BY 1, 2, 3 LIMIT {listed_max:UInt64}
