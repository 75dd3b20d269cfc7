ALTER TABLE ingest_ledger ADD COLUMN IF NOT EXISTS reports UInt64 DEFAULT 0 COMMENT 'Client reports' AFTER quarantined
