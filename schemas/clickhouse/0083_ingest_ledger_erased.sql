ALTER TABLE ingest_ledger ADD COLUMN IF NOT EXISTS erased UInt64 DEFAULT 0 COMMENT 'Events that had been stored and were erased by order' AFTER reports
