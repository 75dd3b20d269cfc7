INSERT INTO register_holidays (version, ente, day, holiday)
SELECT version, arrayJoin(enti), arrayJoin(days), holiday
FROM input('version String, enti Array(String), days Array(Date), holiday String') FORMAT JSONEachRow
