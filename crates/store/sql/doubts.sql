SELECT d.month AS month, toString(d.stream) AS stream, d.kafka_partition AS kafka_partition, d.first_offset AS first_offset,
       d.next_offset AS next_offset, toUnixTimestamp(d.since) AS since, d.version AS version
FROM months_in_doubt AS d FINAL WHERE NOT d.settled
ORDER BY month, stream, kafka_partition, first_offset
