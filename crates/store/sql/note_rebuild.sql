INSERT INTO rebuilds (id, what, period, dry_run, rules, owner, months, compared, swapped, phase, started_at, finished_at, version)
SELECT {id:String}, {what:String}, {period:String}, {dry_run:Bool}, {rules:String}, {owner:String},
       {months:Array(UInt32)}, {compared:Array(UInt32)}, {swapped:Array(UInt32)}, {phase:String},
       toDateTime({started_at:UInt32}, 'UTC'),
       if({phase:String} IN ('done', 'abandoned'), now('UTC'), toDateTime(0, 'UTC')), {version:UInt64}
