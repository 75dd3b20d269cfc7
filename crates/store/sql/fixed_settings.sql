SELECT name, value
FROM {settings} WHERE readonly AND name IN {names:Array(String)}
SETTINGS skip_unavailable_shards = 1
