-- Quali celle non vanno pubblicate così come sono?
-- Cells of ente by category by kind with one or two uses. Hiding only these is not enough, since totals reveal them: publish
-- the files of "affluenza open-data" instead.
SELECT ente, category, kind, service_uses AS uses
FROM usage_by_ente
WHERE year = {year:UInt16} AND uses BETWEEN 1 AND 2
ORDER BY ente, category, kind
