SELECT
    current.year AS year,
    current.service AS service,
    sum(current.service_uses) AS service_uses,
    any(before.service_uses) AS service_uses_before,
    sum(current.service_uses) - any(before.service_uses) AS difference
FROM {{ source('affluenza', 'usage_by_service') }} AS current
LEFT JOIN
(
    SELECT year, service, sum(service_uses) AS service_uses
    FROM {{ source('affluenza', 'usage_by_service') }}
    GROUP BY year, service
) AS before ON before.service = current.service AND before.year + 1 = current.year
GROUP BY year, service
