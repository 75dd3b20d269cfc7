-- Quali sono i venti servizi più utilizzati?
-- The twenty services used most, and in how many public bodies.
SELECT service, category, service_uses AS uses, enti
FROM usage_by_service
WHERE year = {year:UInt16}
ORDER BY uses DESC, service
LIMIT 20
