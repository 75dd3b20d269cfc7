CREATE TABLE IF NOT EXISTS usage_events
(
    time DateTime64(3, 'UTC') COMMENT 'When it happened' CODEC(Delta, LZ4),
    hour_start DateTime('UTC') COMMENT 'Start of the local hour, as an instant: tells the two equal hours of a 25-hour day apart' CODEC(Delta, LZ4),
    local_date Date COMMENT 'Day in the time zone of the portal',
    local_hour UInt8 COMMENT 'Hour of the day in the time zone of the portal, 0 to 23',
    band Enum8('night' = 1, 'office' = 2, 'evening' = 3) COMMENT 'Band of the local hour: night [00,08), office [08,18), evening [18,24) unless configured otherwise',
    ente LowCardinality(String) COMMENT 'Public body: code in the register (IPA code), or as sent when the register does not know it',
    portal LowCardinality(String) COMMENT 'Portal: code in the register',
    service LowCardinality(String) COMMENT 'Service: code in the register; empty for an access that belongs to none',
    category LowCardinality(String) COMMENT 'Category of the service on that day; unregistered when the register does not know the service or the ente; empty without a service',
    activity Enum8('access' = 1, 'service-use' = 2) COMMENT 'What was done',
    kind Enum8('none' = 0, 'plain' = 1, 'payment' = 2, 'booking' = 3) COMMENT 'Kind of a service use: disjoint, so kinds add up to the total; none for an access',
    resource Enum8('none' = 0, 'page' = 1, 'asset' = 2) COMMENT 'What an access asked for; none for a service use',
    outcome Enum8('completed' = 1, 'abandoned' = 2, 'failed' = 3) COMMENT 'How it ended',
    channel Enum8('web' = 1, 'app' = 2, 'desk' = 3, 'import' = 4) COMMENT 'Where it came in',
    login Enum8('none' = 1, 'password' = 2, 'spid-1' = 3, 'spid-2' = 4, 'spid-3' = 5, 'cie' = 6, 'cns' = 7) COMMENT 'How the person was identified',
    device Enum8('unknown' = 0, 'desktop' = 1, 'smartphone' = 2, 'tablet' = 3, 'bot' = 4, 'other' = 5) COMMENT 'Class of the device; bot is no person and is counted apart',
    device_rule LowCardinality(String) COMMENT 'Rule that decided the class of the device',
    country LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2, empty when unknown',
    region LowCardinality(String) COMMENT 'ISO 3166-2 subdivision, empty when unknown',
    session UInt64 COMMENT 'Hash of the opaque session token, 0 without one' CODEC(LZ4),
    visitor UInt64 COMMENT 'Hash of the opaque daily visitor token, 0 without one; unlinkable across enti and days' CODEC(LZ4),
    identity UInt64 COMMENT 'Hash of source and id of the event' CODEC(LZ4),
    stream LowCardinality(String) COMMENT 'Log the event came from: cluster id and topic id',
    kafka_partition UInt32 COMMENT 'Partition of that log' CODEC(Delta, LZ4),
    kafka_offset UInt64 COMMENT 'Offset in that partition' CODEC(Delta, LZ4),
    rules LowCardinality(String) COMMENT 'Version of the rules and of the register that classified the event',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'When the row was written' CODEC(Delta, LZ4)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (ente, category, service, time)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Facts: one row an event, exactly as often as it happened. No personal data.'
