INSERT INTO ingest_ledger ({columns}, `fates.ente`, `fates.day`, `fates.fate`, `fates.reason`, `fates.records`, written_at)
{rows} SETTINGS {long}, insert_deduplicate = 0
