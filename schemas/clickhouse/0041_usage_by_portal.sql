CREATE OR REPLACE VIEW usage_by_portal{on_cluster}
(
    year UInt16 COMMENT 'Year of the local day',
    ente LowCardinality(String) COMMENT 'Code of the public body; its name is in the view enti',
    portal LowCardinality(String) COMMENT 'Code of the portal',
    portal_kind Enum8('unknown' = 0, 'civic' = 1, 'services' = 2, 'app' = 3) COMMENT 'Kind of the portal: civic, services or app; unknown if the register does not state it',
    accesses UInt64 COMMENT 'Accesses to pages, without parts of pages and error answers',
    service_uses UInt64 COMMENT 'Completed service uses',
    visitors_days UInt64 COMMENT 'Distinct visitors of each day, summed over the days'
)
AS
SELECT
    year,
    ente,
    portal,
    portal_kind,
    sum(day_accesses) AS accesses,
    sum(day_service_uses) AS service_uses,
    sum(day_visitors) AS visitors_days
FROM
(
    SELECT
        toYear(u.local_date) AS year,
        u.ente AS ente,
        u.portal AS portal,
        u.portal_kind AS portal_kind,
        sum(u.accesses) AS day_accesses,
        sum(u.service_uses) AS day_service_uses,
        uniqCombined64IfMerge(u.visitors) AS day_visitors
    FROM usage_hourly AS u
    WHERE u.device NOT IN ('bot', 'no-agent')
    GROUP BY u.ente, u.portal, u.portal_kind, u.local_date
)
GROUP BY year, ente, portal, portal_kind
ORDER BY year, ente, portal
COMMENT 'Accesses, completed service uses and visitors of people by year, ente and portal, with the kind of the portal: civic network, area of services, or app. Visitors are distinct on each day and summed over the days; a visitor of two portals counts at both. Bots and clients without a user agent are left out.'
