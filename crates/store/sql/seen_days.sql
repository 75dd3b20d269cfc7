SELECT toString(d.ente) AS ente, arraySort(groupArray(toUInt16(d.day))) AS days
FROM (
    SELECT u.ente AS ente, u.local_date AS day, sum(u.events) AS events
    FROM usage_hourly AS u GROUP BY u.ente, u.local_date) AS d
GROUP BY d.ente ORDER BY ente
