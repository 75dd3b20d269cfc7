-- Quanto si usano i servizi nei giorni festivi?
-- Uses on working days, weekends and holidays, patron saints included, and the mean of the days with uses. Run
-- "affluenza register apply" first.
SELECT
    day_kind,
    sum(u.service_uses) AS uses,
    sum(u.accesses) AS accesses,
    round(100 * uses / sum(uses) OVER (), 1) AS share_percent
FROM usage_by_day_kind AS u
WHERE year = {year:UInt16}
GROUP BY day_kind
ORDER BY uses DESC
