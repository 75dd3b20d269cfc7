SELECT id, dry_run, toString(rules) AS rules, owner, toString(phase) AS phase, tables,
       toUnixTimestamp(started_at) AS started_at, version
FROM rebuilds FINAL WHERE rebuilds.phase NOT IN ('done', 'abandoned') ORDER BY id
