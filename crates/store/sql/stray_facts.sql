SELECT toString(e.stream) AS stream, e.kafka_partition AS kafka_partition, min(e.kafka_offset) AS first_offset,
       max(e.kafka_offset) AS last_offset, count() AS facts, toUInt16(min(e.local_date)) AS first_day,
       toUInt16(max(e.local_date)) AS last_day,
       toUInt64(greatest(dateDiff('second', min(e.ingested_at), now()), 0)) AS age_seconds
FROM usage_events AS e
ASOF LEFT JOIN (SELECT stream, kafka_partition, first_offset, next_offset FROM ingest_ledger FINAL) AS b
ON e.stream = b.stream AND e.kafka_partition = b.kafka_partition AND e.kafka_offset >= b.first_offset
WHERE e.kafka_offset >= b.next_offset
GROUP BY e.stream, e.kafka_partition, b.next_offset
ORDER BY 1, 2, 3 LIMIT {listed_max:UInt64}
