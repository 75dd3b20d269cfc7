SELECT DISTINCT toString(f.ente) FROM (SELECT * FROM {live}.ingest_ledger FINAL) ARRAY JOIN fates AS f
WHERE f.fate != 'stored' AND f.ente != '' ORDER BY 1
