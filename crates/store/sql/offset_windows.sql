SELECT toString(t.stream) AS stream, kafka_partition, intDiv(kafka_offset, {window_offsets:UInt64}) AS window, count() AS facts
FROM {table} AS t WHERE toYYYYMM(time) IN {months:Array(UInt32)} AND {condition}
GROUP BY stream, kafka_partition, window ORDER BY stream, kafka_partition, window SETTINGS {long}
