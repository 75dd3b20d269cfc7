ALTER TABLE usage_hourly ADD PROJECTION IF NOT EXISTS by_month
(
    SELECT
        toStartOfMonth(local_date), ente, category, service, kind, device,
        sum(service_uses), sum(accesses), sum(events), uniqCombined64IfMerge(visitors)
    GROUP BY toStartOfMonth(local_date), ente, category, service, kind, device
)
