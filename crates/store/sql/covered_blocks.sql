SELECT l.first_offset AS first_offset, l.next_offset AS next_offset,
       toBool(l.records_read + l.control + l.lost < l.next_offset - l.first_offset OR f.facts < l.stored) AS lacks,
       l.control AS control
FROM (SELECT first_offset, next_offset, records_read, control, lost, toUInt64({stored}) AS stored FROM ingest_ledger FINAL
       WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32} AND first_offset < {next_offset:UInt64} AND next_offset > {first_offset:UInt64}) AS l
LEFT JOIN (
    SELECT b.first_offset AS first_offset, uniqExact(e.kafka_offset) AS facts
    FROM (SELECT kafka_partition, kafka_offset FROM usage_events
          WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32} AND {of_days}) AS e
    ASOF JOIN (SELECT kafka_partition, first_offset, next_offset FROM ingest_ledger FINAL
               WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32}) AS b
    ON e.kafka_partition = b.kafka_partition AND e.kafka_offset >= b.first_offset
    WHERE e.kafka_offset < b.next_offset GROUP BY first_offset) AS f
ON l.first_offset = f.first_offset ORDER BY first_offset
