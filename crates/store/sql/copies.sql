SELECT c.1.3 AS stream, c.1.4 AS kafka_partition, c.1.5 AS kafka_offset, c.2 AS ente, c.3 AS day, c.4 AS local_day, c.5 AS month,
       facts[1].1.3 AS first_stream, facts[1].1.4 AS first_partition, facts[1].1.5 AS first_offset
FROM (
    SELECT arraySort(groupUniqArray(({rank}, toString(ente), toString(local_date), toUInt16(local_date), toYYYYMM(hour_start)))) AS facts
    FROM usage_events WHERE identity IN ({identities})
    GROUP BY identity HAVING uniqExact(stream, kafka_partition, kafka_offset) > 1)
ARRAY JOIN arraySlice(facts, 2) AS c
WHERE (stream, kafka_partition, kafka_offset) != (first_stream, first_partition, first_offset)
ORDER BY stream, kafka_partition, kafka_offset LIMIT {copies_max} {settings}
