SELECT assumeNotNull(concat(
           toString(count()), '/', toString(sum(next_offset)), '/', toString(toUnixTimestamp(max(written_at))), '/',
           toString((SELECT count() FROM ingest_repairs)), '/',
           toString((SELECT sum(r.version) FROM rebuilds AS r FINAL WHERE NOT r.dry_run AND r.phase NOT IN ('copying', 'replaying', 'abandoned'))), '/',
           toString((SELECT sum(d.version) FROM months_in_doubt AS d FINAL)))) AS figures,
       assumeNotNull((SELECT count() FROM sealed_years)) AS seals
FROM ingest_ledger
