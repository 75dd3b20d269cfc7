SELECT toUInt16(min(local_date)) AS first_day, toUInt16(max(local_date)) AS last_day
FROM usage_events WHERE toYYYYMM(time) IN {months:Array(UInt32)} SETTINGS {long}
