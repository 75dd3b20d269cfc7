SELECT ente, toUInt64(length(days_list)) AS days, events, toUInt64(longest) AS silence_days,
       if(longest = 0, '', toString(toDate(days_list[indexOf(gaps, longest)] + 1))) AS silence_from
FROM (
    SELECT d.ente AS ente, d.events AS events, d.days_list AS days_list,
           arrayMap((day, next) -> next - day - 1, days_list, arrayPushBack(arrayPopFront(days_list), d.over)) AS gaps,
           arrayMax(gaps) AS longest
    FROM (
        SELECT toString(u.ente) AS ente, sum(u.events) AS events,
               arraySort(groupUniqArray(toUInt16(u.local_date))) AS days_list,
               max(max(toUInt32(u.local_date))) OVER () + 1 AS over
        FROM usage_hourly AS u WHERE {within} GROUP BY ente) AS d)
ORDER BY ente
