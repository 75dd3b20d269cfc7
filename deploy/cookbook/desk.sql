-- Quanto si usano i servizi quando lo sportello è chiuso?
-- Uses while the desk of the ente was open or closed; unknown if the register has no desk hours.
SELECT desk, sum(u.service_uses) AS uses, round(100 * uses / sum(uses) OVER (), 1) AS share_percent
FROM usage_by_desk AS u
WHERE year = {year:UInt16}
GROUP BY desk
ORDER BY uses DESC
