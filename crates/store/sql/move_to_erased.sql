INSERT INTO ingest_ledger (stream, kafka_partition, first_offset, next_offset, records_read, stored, duplicate, rejected, quarantined, reports, erased, control, lost,
    `fates.ente`, `fates.day`, `fates.fate`, `fates.reason`, `fates.records`, checksum, rules, written_at)
WITH
    ledger AS (SELECT * FROM ingest_ledger FINAL),
    grouped AS (
        SELECT toString(o.stream) AS s, o.kafka_partition AS p, o.first_offset AS b, toString(f.ente) AS e, f.day AS d,
               toString(f.fate) AS fate, toString(f.reason) AS reason, toInt64(f.records) AS n
        FROM ledger AS o ARRAY JOIN fates AS f),
    left_over AS (
        SELECT toString(l.stream) AS s, l.kafka_partition AS p, l.first_offset AS b, u.local_date AS d, toInt64(count()) AS n
        FROM usage_events AS u
        ASOF JOIN (SELECT stream, kafka_partition, first_offset, next_offset FROM ledger) AS l
        ON u.stream = l.stream AND u.kafka_partition = l.kafka_partition AND u.kafka_offset >= l.first_offset
        WHERE u.kafka_offset < l.next_offset AND u.ente = {ente:String} AND u.local_date >= toDate({first_kept_day:UInt16}) AND u.local_date <= toDate({last_day:UInt16})
        GROUP BY s, p, b, d),
    gone AS (
        SELECT g.s AS s, g.p AS p, g.b AS b, g.e AS e, g.d AS d, g.n - r.n AS n
        FROM grouped AS g LEFT JOIN left_over AS r ON g.s = r.s AND g.p = r.p AND g.b = r.b AND g.d = r.d
        WHERE g.fate = 'stored' AND g.e = {ente:String} AND g.d >= toDate({first_kept_day:UInt16}) AND g.d <= toDate({last_day:UInt16}) AND g.n > r.n),
    moved AS (
        SELECT s, p, b, e, d, fate, reason, sum(n) AS total FROM (
            SELECT s, p, b, e, d, fate, reason, n FROM grouped
            UNION ALL SELECT s, p, b, e, d, 'stored', '', -n FROM gone
            UNION ALL SELECT s, p, b, e, d, 'erased', '', n FROM gone)
        GROUP BY s, p, b, e, d, fate, reason HAVING total > 0),
    fates AS (
        SELECT s, p, b, arraySort(groupArray((e, d, CAST(fate, 'Enum8(\'stored\' = 1, \'duplicate\' = 2, \'rejected\' = 3, \'quarantined\' = 4, \'report\' = 5, \'erased\' = 6)'), reason, toUInt64(total)))) AS groups
        FROM moved GROUP BY s, p, b),
    sums AS (SELECT s, p, b, toUInt64(sum(n)) AS n FROM gone GROUP BY s, p, b)
SELECT l.stream, l.kafka_partition, l.first_offset, l.next_offset, l.records_read, l.stored - sums.n, l.duplicate, l.rejected, l.quarantined, l.reports, l.erased + sums.n, l.control, l.lost,
       arrayMap(g -> g.1, fates.groups), arrayMap(g -> g.2, fates.groups), arrayMap(g -> g.3, fates.groups),
       arrayMap(g -> g.4, fates.groups), arrayMap(g -> g.5, fates.groups), l.checksum, l.rules, l.written_at + 1
FROM ledger AS l
INNER JOIN sums ON toString(l.stream) = sums.s AND l.kafka_partition = sums.p AND l.first_offset = sums.b
INNER JOIN fates ON toString(l.stream) = fates.s AND l.kafka_partition = fates.p AND l.first_offset = fates.b
SETTINGS insert_deduplicate = 0, max_execution_time = 0
