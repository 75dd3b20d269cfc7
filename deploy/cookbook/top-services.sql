-- Quali sono i venti servizi più utilizzati?
-- The twenty most used services, with the number of public bodies in which they are used.
SELECT service, category, service_uses AS uses, enti
FROM usage_by_service
WHERE year = {year:UInt16}
ORDER BY uses DESC, service
LIMIT 20
