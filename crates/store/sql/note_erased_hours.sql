INSERT INTO ingest_repairs (what, month, records)
SELECT 'aggregate', 0, {records:UInt64}
