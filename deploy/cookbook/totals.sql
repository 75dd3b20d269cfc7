-- Quanto sono usati i servizi?
-- How often are services used? Completed uses of people in the year, by kind. Kinds are disjoint: they add up to the total.
SELECT
    of_kind.1 AS kind,
    of_kind.2 AS service_uses,
    round(100 * service_uses / sum(service_uses) OVER (), 1) AS share_percent
FROM
(
    SELECT [('plain', sum(u.of_which_plain)), ('payment', sum(u.of_which_payments)), ('booking', sum(u.of_which_bookings))] AS uses
    FROM usage_by_ente AS u
    WHERE year = {year:UInt16}
)
ARRAY JOIN uses AS of_kind
WHERE service_uses > 0
ORDER BY service_uses DESC
