SELECT {dimensions}, sum(e) AS events, sum(a) AS accesses, sum(s) AS uses,
       uniqCombined64IfMergeIf(v, of_facts) AS users, uniqCombined64IfMergeIf(v, NOT of_facts) AS users_kept,
       uniqCombined64IfMergeState(v) AS all_visitors
FROM (
    SELECT {dimensions}, toInt64(events) AS e, toInt64(accesses) AS a, toInt64(service_uses) AS s, visitors AS v,
           true AS of_facts
    FROM ({hour_rows})
    UNION ALL
    SELECT {dimensions}, -toInt64(events), -toInt64(accesses), -toInt64(service_uses), visitors, false
    FROM usage_hourly WHERE toYYYYMM(hour_start) = {month} {of_hours})
GROUP BY {dimensions} HAVING events != 0 OR accesses != 0 OR uses != 0 OR users != users_kept
