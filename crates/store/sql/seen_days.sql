SELECT if({is_known}, toString(d.ente), 'unregistered') AS ente, arraySort(groupUniqArray(toUInt16(d.day))) AS days
FROM (
    SELECT u.ente AS ente, u.local_date AS day, sum(u.events) AS events
    FROM usage_hourly AS u GROUP BY u.ente, u.local_date) AS d
GROUP BY ente ORDER BY ente
