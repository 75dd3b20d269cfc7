-- Quanto si usa ogni categoria in ogni ente, e come?
-- Ente by category by kind: the table of the yearly report, one row for each cell. The rows add up to every total.
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
WHERE uses > 0
ORDER BY ente, category, kind
