SELECT l.kafka_partition AS kafka_partition, greatest(l.begin, s.searched) AS first_offset, l.end AS next_offset
FROM (
    SELECT kafka_partition, min(first_offset) AS begin, max(next_offset) AS end
    FROM ingest_ledger WHERE stream = {stream:String} GROUP BY kafka_partition) AS l
LEFT JOIN (
    SELECT kafka_partition, max(next_offset) AS searched
    FROM copy_searches WHERE stream = {stream:String} GROUP BY kafka_partition) AS s
ON l.kafka_partition = s.kafka_partition
WHERE l.end > s.searched ORDER BY kafka_partition
