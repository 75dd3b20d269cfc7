SELECT count() AS facts, arraySort(groupUniqArray(toYYYYMM(hour_start))) AS months,
       toUInt16(min(local_date)) AS first_day, toUInt16(max(local_date)) AS last_day
FROM usage_events WHERE {uncovered}
