SELECT toBool(count() > 0) AS is_unfinished, toBool(max(r.held_until) > now()) AS is_held
FROM rebuilds AS r FINAL WHERE r.phase NOT IN ('done', 'abandoned')
