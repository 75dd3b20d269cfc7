-- Quanto sono usati i servizi?
-- How often are services used? Completed uses of people in the year, by kind. Kinds are disjoint: they add up to the total.
SELECT
    kind,
    sum(u.service_uses) AS service_uses,
    round(100 * service_uses / sum(service_uses) OVER (), 1) AS share_percent
FROM usage_by_ente AS u
WHERE year = {year:UInt16}
GROUP BY kind
ORDER BY service_uses DESC
