SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, l.first_offset AS first_offset,
       l.next_offset AS next_offset, l.stored AS stored, f.facts AS facts, f.offsets AS offsets,
       l.records_read AS records_read, l.checksum AS checksum, l.lost AS lost,
       toUInt16(if(f.facts = 0, l.first_day, least(l.first_day, f.first_day))) AS first_day, toUInt16(greatest(l.last_day, f.last_day)) AS last_day
FROM (SELECT stream, kafka_partition, first_offset, next_offset, toUInt64({stored}) AS stored, records_read, checksum, lost,
              toUInt16(arrayMin(if(empty(`fates.day`), [toDate(0)], `fates.day`))) AS first_day,
              toUInt16(arrayMax(if(empty(`fates.day`), [toDate(0)], `fates.day`))) AS last_day
       FROM ingest_ledger FINAL WHERE {of_blocks}) AS l
LEFT JOIN (
    SELECT b.stream AS stream, b.kafka_partition AS kafka_partition, b.first_offset AS first_offset,
           count() AS facts, groupBitmap(toUInt64(e.kafka_offset - b.first_offset)) AS offsets,
           toUInt16(min(e.local_date)) AS first_day, toUInt16(max(e.local_date)) AS last_day
    FROM usage_events AS e
    ASOF JOIN (SELECT stream, kafka_partition, first_offset, next_offset FROM ingest_ledger FINAL) AS b
    ON e.stream = b.stream AND e.kafka_partition = b.kafka_partition AND e.kafka_offset >= b.first_offset
    WHERE e.kafka_offset < b.next_offset AND {of_facts} AND {of_days}
    GROUP BY stream, kafka_partition, first_offset
 ) AS f ON l.stream = f.stream AND l.kafka_partition = f.kafka_partition AND l.first_offset = f.first_offset
WHERE l.stored != f.facts OR f.facts != f.offsets
ORDER BY 1, 2, 3 LIMIT {listed_max:UInt64}
