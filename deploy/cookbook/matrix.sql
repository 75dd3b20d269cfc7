-- Quanto si usa ogni categoria in ogni ente, e come?
-- Ente by category by kind: the table of the yearly report, one row for each cell. The rows add up to every total.
SELECT ente, category, kind, service_uses AS uses
FROM usage_by_ente
WHERE year = {year:UInt16} AND uses > 0
ORDER BY ente, category, kind
