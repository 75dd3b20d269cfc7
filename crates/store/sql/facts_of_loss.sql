SELECT toString(e.ente) AS ente, toUInt16(e.local_date) AS day, uniqExact(e.kafka_offset) AS facts
FROM usage_events AS e
WHERE e.stream = {stream:String} AND e.kafka_partition = {kafka_partition:UInt32}
  AND e.kafka_offset >= {first_offset:UInt64} AND e.kafka_offset < {next_offset:UInt64}
GROUP BY ente, day ORDER BY ente, day
