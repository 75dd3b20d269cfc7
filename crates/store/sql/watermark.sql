SELECT assumeNotNull(concat(toString(count()), '/', toString(sum(next_offset)), '/', toString(toUnixTimestamp(max(written_at))))) AS blocks,
       assumeNotNull(concat(
           toString((SELECT count() FROM ingest_repairs)), '/',
           toString((SELECT sum(r.version) FROM rebuilds AS r FINAL WHERE NOT r.dry_run AND r.phase NOT IN ('copying', 'replaying', 'abandoned'))), '/',
           toString((SELECT sum(d.version) FROM months_in_doubt AS d FINAL)), '/',
           toString((SELECT sum(e.version) FROM erasures AS e FINAL)))) AS generation,
       assumeNotNull((SELECT count() FROM sealed_years)) AS seals
FROM ingest_ledger
