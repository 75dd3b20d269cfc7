SELECT toString(t.stream) AS log, kafka_partition, count() AS facts, groupBitmap(kafka_offset) AS offsets,
       sum(cityHash64(kafka_offset)) AS checksum
FROM {table} AS t WHERE toYYYYMM(time) = {month:UInt32} AND {condition}
GROUP BY log, kafka_partition ORDER BY log, kafka_partition SETTINGS {long}
