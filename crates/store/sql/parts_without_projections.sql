SELECT count() FROM {parts}
WHERE active AND database = {database:String} AND table = {table:String} AND rows > 0
  AND NOT hasAll(projections, {names:Array(String)}) AND modification_time <= now() - {idle_seconds:UInt64}
  AND (SELECT count() FROM {mutations}
       WHERE database = {database:String} AND table = {table:String} AND NOT is_done) = 0
SETTINGS skip_unavailable_shards = 1
