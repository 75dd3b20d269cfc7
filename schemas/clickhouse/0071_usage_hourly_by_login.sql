ALTER TABLE usage_hourly ADD PROJECTION IF NOT EXISTS by_login
(
    SELECT
        toStartOfMonth(local_date), ente, portal, kind, login, channel, country, device,
        sum(service_uses), sum(accesses), sum(events)
    GROUP BY toStartOfMonth(local_date), ente, portal, kind, login, channel, country, device
)
