INSERT INTO rebuilds (id, dry_run, rules, owner, phase, tables, started_at, finished_at, held_until, version)
SELECT {id:String}, {dry_run:Bool}, {rules:String}, {owner:String}, {phase:String}, {tables:Array(String)},
       toDateTime({started_at:UInt32}, 'UTC'),
       if({phase:String} IN ('done', 'abandoned'), now('UTC'), toDateTime(0, 'UTC')),
       if({held_seconds:UInt32} > 0, now('UTC') + toIntervalSecond({held_seconds:UInt32}), toDateTime(0, 'UTC')), {version:UInt64}
