-- Come si identificano le persone?
-- Uses by means of authentication: SPID by level, electronic identity card (CIE), services card (CNS), password, none.
SELECT login, sum(u.service_uses) AS uses, round(100 * uses / sum(uses) OVER (), 1) AS share_percent
FROM usage_hourly AS u
WHERE device NOT IN ('bot', 'no-agent') AND activity = 'service-use' AND toYear(local_date) = {year:UInt16}
GROUP BY login
ORDER BY uses DESC, login
