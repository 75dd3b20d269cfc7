-- Quali sono i venti servizi più utilizzati?
-- The twenty most used services, with the number of public bodies in which they are used.
SELECT service, any(u.category) AS category, sum(u.service_uses) AS uses, uniqExactIf(ente, u.service_uses > 0) AS enti
FROM usage_by_service AS u
WHERE year = {year:UInt16}
GROUP BY service
ORDER BY uses DESC, service
LIMIT 20
