SELECT toString(a.what) AS what, toString(a.stream) AS stream, a.kafka_partition AS kafka_partition,
       a.first_offset AS first_offset, a.next_offset AS next_offset, a.records AS records,
       toUInt16(a.first_day) AS first_day, toUInt16(a.last_day) AS last_day, a.reason AS reason,
       a.accepted_by AS accepted_by, toUnixTimestamp(a.accepted_at) AS accepted_at
FROM acceptances AS a
ORDER BY accepted_at, stream, kafka_partition, first_offset LIMIT {listed_max:UInt64}
