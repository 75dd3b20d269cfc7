SELECT ente, toString(date) AS day, sum(ledger) AS stored, sum(fact) AS facts FROM (
    SELECT toString(f.ente) AS ente, f.day AS date, toInt64(f.records) AS ledger, toInt64(0) AS fact
    FROM (SELECT * FROM ingest_ledger FINAL) ARRAY JOIN fates AS f
    WHERE {settled_blocks} AND f.fate = 'stored'
      AND toUInt16(f.day) >= {first_day:UInt16} AND toUInt16(f.day) < {end_day:UInt16}
    UNION ALL
    SELECT toString(ente), local_date, toInt64(0), toInt64(count()) FROM usage_events
    WHERE {settled_facts}
      AND toUInt16(local_date) >= {first_day:UInt16} AND toUInt16(local_date) < {end_day:UInt16}
    GROUP BY ente, local_date)
GROUP BY ente, date HAVING stored != facts ORDER BY date, ente LIMIT {listed_max:UInt64}
