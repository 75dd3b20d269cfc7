-- In quali giorni mancano i dati di un ente?
-- Days without any event, for each ente with events in the year, between its first and its last day. A single day in a small body may
-- be chance; several in a row mean that a portal stopped sending.
SELECT
    ente,
    min(local_date) AS first_day,
    max(local_date) AS last_day,
    uniqExact(local_date) AS days_with_data,
    dateDiff('day', first_day, last_day) + 1 - days_with_data AS days_without
FROM usage_hourly
WHERE toYear(local_date) = {year:UInt16}
GROUP BY ente
ORDER BY days_without DESC, ente
