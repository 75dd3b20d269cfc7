ALTER TABLE ingest_ledger ADD COLUMN IF NOT EXISTS lost UInt64 DEFAULT 0 COMMENT 'Offsets whose records were accepted as lost: the table acceptances has the reason' AFTER erased
