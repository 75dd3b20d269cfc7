ALTER TABLE usage_hourly ADD PROJECTION IF NOT EXISTS by_hour
(
    SELECT
        local_date, hour_start, local_hour, band, ente, device,
        sum(service_uses), sum(accesses), sum(events), uniqCombined64IfMerge(visitors)
    GROUP BY local_date, hour_start, local_hour, band, ente, device
)
