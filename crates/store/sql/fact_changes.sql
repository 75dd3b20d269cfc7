SELECT concat(substring(command, 1, 200), ', ', toString(create_time)) FROM {mutations}
WHERE database = {database:String} AND table = {table:String}
  AND position(command, 'UPDATE ') > 0 AND position(command, '_row_exists') = 0
  AND create_time > (SELECT max(r.finished_at) FROM rebuilds AS r FINAL WHERE r.phase = 'done' AND NOT r.dry_run)
ORDER BY create_time DESC LIMIT 5 SETTINGS skip_unavailable_shards = 1
