CREATE MATERIALIZED VIEW IF NOT EXISTS usage_hourly_from_events{on_cluster} TO usage_hourly{local} AS
SELECT
    hour_start, local_date, local_hour, band, ente, portal, service, category, activity, kind, outcome, {attributes},
    count() AS events,
    countIf(resource = 'page') AS accesses,
    countIf(activity = 'service-use' AND outcome = 'completed') AS service_uses,
    uniqCombined64IfState(visitor, visitor != 0 AND resource != 'asset') AS visitors
FROM usage_events{local}
GROUP BY hour_start, local_date, local_hour, band, ente, portal, service, category, activity, kind, outcome, {attributes}
