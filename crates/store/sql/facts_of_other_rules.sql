SELECT count() FROM usage_events
WHERE toYYYYMM(time) IN {months:Array(UInt32)} AND ingested_at >= toDateTime({started_at:UInt32}, 'UTC') AND rules != {rules:String}
