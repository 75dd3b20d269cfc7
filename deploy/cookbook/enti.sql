-- Quali enti hanno più utilizzi?
-- Which public bodies have the most uses, and what is their share of all uses?
SELECT
    ente,
    sum(u.service_uses) AS uses,
    sumIf(u.service_uses, kind = 'payment') AS payments,
    sumIf(u.service_uses, kind = 'booking') AS bookings,
    round(100 * uses / sum(uses) OVER (), 2) AS share_percent
FROM usage_by_ente AS u
WHERE year = {year:UInt16}
GROUP BY ente
ORDER BY uses DESC, ente
