-- Quanto del traffico non è di persone?
-- Events of bots, by the rule that classified them. They are stored, and counted separately.
SELECT device_rule AS rule, count() AS events, round(100 * events / sum(events) OVER (), 1) AS share_percent
FROM usage_events
WHERE device = 'bot' AND toYear(local_date) = {year:UInt16}
GROUP BY rule
ORDER BY events DESC, rule
LIMIT 20
