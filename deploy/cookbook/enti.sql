-- Quali enti hanno più utilizzi?
-- Which public bodies have the most uses, and what is their share of all uses?
SELECT
    ente,
    service_uses AS uses,
    of_which_payments AS payments,
    of_which_bookings AS bookings,
    round(100 * uses / sum(uses) OVER (), 2) AS share_percent
FROM usage_by_ente
WHERE year = {year:UInt16}
ORDER BY uses DESC, ente
