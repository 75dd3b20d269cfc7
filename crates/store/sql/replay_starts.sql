SELECT l.kafka_partition AS kafka_partition, max(l.next_offset) AS next_offset
FROM (SELECT * FROM {live}.ingest_ledger FINAL) AS l
WHERE l.stream = {stream:String} AND (
    {is_compacted:Bool}
    OR l.first_offset < transform(toUInt64(l.kafka_partition), {partitions:Array(UInt64)}, {lows:Array(UInt64)}, toUInt64(0))
    OR l.lost > 0
    OR arrayExists((day, fate) -> fate = 'stored' AND toUInt16(day) <= {day:UInt16}, l.`fates.day`, l.`fates.fate`))
GROUP BY kafka_partition ORDER BY kafka_partition
