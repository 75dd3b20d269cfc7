SELECT if(first <= toDate(0), 0, toYYYYMM(first)) AS month, if(first <= toDate(0), 0, toUInt16(first)) AS day FROM (
    SELECT greatest(max(facts_from), if(months = 0, toDate(0), toStartOfMonth(toDate(now() + INTERVAL 1 DAY, 'UTC')) - toIntervalMonth(months - 1))) AS first,
           argMax(facts_months, set_at) AS months
    FROM retention)
