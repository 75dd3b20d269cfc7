CREATE OR REPLACE VIEW usage_by_hour{on_cluster}
(
    hour_start DateTime('UTC') COMMENT 'Start of the local hour, as an instant',
    local_date Date COMMENT 'Day in the time zone of the portal',
    local_hour UInt8 COMMENT 'Hour of the day in the time zone of the portal, 0 to 23',
    band Enum8('night' = 1, 'office' = 2, 'evening' = 3) COMMENT 'Band of the local hour: night [00,08), office [08,18), evening [18,24)',
    ente LowCardinality(String) COMMENT 'Code of the public body; its name is in the view enti',
    portal LowCardinality(String) COMMENT 'Code of the portal',
    service LowCardinality(String) COMMENT 'Code of the service; empty without a service',
    category LowCardinality(String) COMMENT 'Category of the service on the day of the event; unregistered if the register did not know it',
    activity Enum8('access' = 1, 'service-use' = 2) COMMENT 'Access or service use',
    kind Enum8('none' = 0, 'plain' = 1, 'payment' = 2, 'booking' = 3) COMMENT 'Kind of a service use',
    outcome Enum8('completed' = 1, 'abandoned' = 2, 'failed' = 3) COMMENT 'Completed, abandoned or failed; a failed access was answered with an error',
    {attributes_of_hours},
    events UInt64 COMMENT 'All events',
    accesses UInt64 COMMENT 'Accesses to pages, without parts of pages and error answers; people are all devices except bot and no-agent',
    service_uses UInt64 COMMENT 'Completed service uses; people are all devices except bot and no-agent'
)
AS
SELECT
    hour_start, local_date, local_hour, band, ente, portal, service, category, activity, kind, outcome,
    {attributes},
    toUInt64(events) AS events, toUInt64(accesses) AS accesses, toUInt64(service_uses) AS service_uses
FROM usage_hourly
COMMENT 'Counts by hour and every dimension, in types that any driver reads. Add up the rows: the same hour may have several until the table has been merged. Visitors cannot be added up: use users_by_hour.'
