SELECT g.stream AS stream, g.kafka_partition AS kafka_partition, g.ends_at AS ends_at, g.first_offset AS begins_at
FROM (
    SELECT toString(stream) AS stream, kafka_partition, first_offset,
           lagInFrame(next_offset, 1, first_offset) OVER (
               PARTITION BY stream, kafka_partition ORDER BY first_offset
               ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS ends_at
    FROM ingest_ledger FINAL) AS g
WHERE ends_at != begins_at ORDER BY 1, 2, 3 LIMIT {listed_max:UInt64}
