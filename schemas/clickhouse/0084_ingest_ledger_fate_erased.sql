ALTER TABLE ingest_ledger MODIFY COLUMN `fates.fate` Array(Enum8('stored' = 1, 'duplicate' = 2, 'rejected' = 3, 'quarantined' = 4, 'report' = 5, 'erased' = 6)) COMMENT 'What became of them'
