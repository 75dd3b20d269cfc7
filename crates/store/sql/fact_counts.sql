SELECT toString(e.stream) AS stream, e.kafka_partition AS kafka_partition, count() AS facts
FROM usage_events AS e GROUP BY stream, kafka_partition ORDER BY stream, kafka_partition
