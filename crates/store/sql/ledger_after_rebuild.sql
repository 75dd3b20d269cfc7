SELECT {kept}, if(n.oldest = n.newest AND n.oldest != '', n.oldest, toString(l.rules)) AS rules,
       arrayMap(g -> g.1, n.fates), arrayMap(g -> g.2, n.fates), arrayMap(g -> g.3, n.fates),
       arrayMap(g -> g.4, n.fates), arrayMap(g -> g.5, n.fates), l.written_at + 1
FROM (SELECT * FROM ingest_ledger FINAL) AS l
INNER JOIN (
    SELECT stream, kafka_partition, first_offset, arraySort(groupArray((ente, day, fate, reason, records))) AS fates,
           sumIf(records, fate = 'stored') AS facts, minIf(lo, fate = 'stored') AS oldest, maxIf(hi, fate = 'stored') AS newest
    FROM (
        SELECT toString(b.stream) AS stream, b.kafka_partition AS kafka_partition, b.first_offset AS first_offset,
               toString(e.ente) AS ente, e.local_date AS day,
               CAST('stored', 'Enum8(\'stored\' = 1, \'duplicate\' = 2, \'rejected\' = 3, \'quarantined\' = 4, \'report\' = 5, \'erased\' = 6)') AS fate,
               '' AS reason, toUInt64(count()) AS records, min(toString(e.rules)) AS lo, max(toString(e.rules)) AS hi
        FROM usage_events AS e
        ASOF JOIN (SELECT stream, kafka_partition, first_offset, next_offset FROM ingest_ledger FINAL) AS b
        ON e.stream = b.stream AND e.kafka_partition = b.kafka_partition AND e.kafka_offset >= b.first_offset
        WHERE e.kafka_offset < b.next_offset AND {of_facts}
        GROUP BY stream, kafka_partition, first_offset, ente, day
        UNION ALL
        SELECT toString(o.stream), o.kafka_partition, o.first_offset, {ente} AS ente, f.day AS day, f.fate AS fate,
               toString(f.reason) AS reason, sum(f.records) AS records, '' AS lo, '' AS hi
        FROM (SELECT * FROM ingest_ledger FINAL) AS o ARRAY JOIN fates AS f
        WHERE f.fate != 'stored' OR NOT ({of_days})
        GROUP BY o.stream, o.kafka_partition, o.first_offset, ente, day, fate, reason)
    GROUP BY stream, kafka_partition, first_offset) AS n
ON l.stream = n.stream AND l.kafka_partition = n.kafka_partition AND l.first_offset = n.first_offset
WHERE n.facts = l.stored AND (
    arraySort(arrayMap((a, b, c, d, r) -> (toString(a), b, c, toString(d), r),
        l.`fates.ente`, l.`fates.day`, l.`fates.fate`, l.`fates.reason`, l.`fates.records`)) != n.fates
    OR rules != toString(l.rules))
