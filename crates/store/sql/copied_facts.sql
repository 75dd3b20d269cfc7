SELECT toString(t.stream) AS stream, t.kafka_partition AS kafka_partition, min(t.kafka_offset) AS first_offset,
       max(t.kafka_offset) AS last_offset, count() AS facts
FROM usage_events AS t WHERE t.ingested_at < toDateTime({started_at:UInt32}, 'UTC')
GROUP BY stream, kafka_partition ORDER BY stream, kafka_partition SETTINGS {long}
