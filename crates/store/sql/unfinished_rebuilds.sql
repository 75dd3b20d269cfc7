SELECT id, toString(what) AS what, period, dry_run, toString(rules) AS rules, owner, months, compared, swapped,
       toString(phase) AS phase, toUnixTimestamp(started_at) AS started_at, version
FROM rebuilds FINAL WHERE rebuilds.phase IN ('working', 'settling') ORDER BY id
