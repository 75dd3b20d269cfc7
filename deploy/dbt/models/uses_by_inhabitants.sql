SELECT
    uses.year AS year,
    uses.ente AS ente,
    bodies.name AS name,
    sum(uses.service_uses) AS service_uses,
    any(bodies.inhabitants) AS inhabitants,
    round(1000 * service_uses / nullIf(inhabitants, 0), 1) AS uses_per_1000_inhabitants
FROM {{ source('affluenza', 'usage_by_ente') }} AS uses
INNER JOIN {{ source('affluenza', 'enti') }} AS bodies ON bodies.code = uses.ente
GROUP BY year, ente, name
