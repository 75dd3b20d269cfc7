-- Quali celle non vanno pubblicate così come sono?
-- Cells of ente by category by kind with one or two uses. Hiding only these is not enough, since totals reveal them: publish
-- the files of "affluenza open-data" instead.
SELECT ente, category, cell.1 AS kind, cell.2 AS uses
FROM
(
    SELECT
        ente,
        category,
        [('plain', sum(of_which_plain)), ('payment', sum(of_which_payments)), ('booking', sum(of_which_bookings))] AS cells
    FROM usage_by_service
    WHERE year = {year:UInt16}
    GROUP BY ente, category
)
ARRAY JOIN cells AS cell
WHERE uses BETWEEN 1 AND 2
ORDER BY ente, category, kind
