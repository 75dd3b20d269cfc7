CREATE TABLE IF NOT EXISTS usage_events{local}{on_cluster}
(
    time DateTime64(3, 'UTC') COMMENT 'Time of the event' CODEC(Delta, LZ4),
    hour_start DateTime('UTC') COMMENT 'Start of the local hour, as an instant. It distinguishes the two equal hours of a 25-hour day' CODEC(Delta, LZ4),
    local_date Date COMMENT 'Day in the time zone of the portal',
    local_hour UInt8 COMMENT 'Hour of the day in the time zone of the portal, 0 to 23',
    band Enum8('night' = 1, 'office' = 2, 'evening' = 3) COMMENT 'Band of the local hour: night 0 to 8, office 8 to 18, evening 18 to 24',
    ente LowCardinality(String) COMMENT 'Public body: code in the register (IPA code), or the value sent if the register does not know it',
    portal LowCardinality(String) COMMENT 'Portal: code in the register',
    service LowCardinality(String) COMMENT 'Service: code in the register; empty for an access without a service',
    category LowCardinality(String) COMMENT 'Category of the service on that day; unregistered if the register does not know the service or the ente; empty without a service',
    activity Enum8('access' = 1, 'service-use' = 2) COMMENT 'Access or service use',
    kind Enum8('none' = 0, 'plain' = 1, 'payment' = 2, 'booking' = 3) COMMENT 'Kind of a service use. Kinds are disjoint and add up to the total; none for an access',
    resource Enum8('none' = 0, 'page' = 1, 'asset' = 2, 'error' = 3) COMMENT 'Page or asset of an access, or error for a page that was answered with an error; none for a service use',
    outcome Enum8('completed' = 1, 'abandoned' = 2, 'failed' = 3) COMMENT 'Completed, abandoned or failed',
    {attributes_of_facts},
    session UInt64 COMMENT 'Hash of the opaque session token; 0 without a token' CODEC(LZ4),
    visitor UInt64 COMMENT 'Hash of the opaque daily visitor token; 0 without a token. It cannot be linked across enti or days' CODEC(LZ4),
    identity UInt64 COMMENT 'Hash of source and id of the event' CODEC(LZ4),
    stream LowCardinality(String) COMMENT 'Log of the event: cluster id and topic id',
    kafka_partition UInt32 COMMENT 'Partition of that log' CODEC(Delta, LZ4),
    kafka_offset UInt64 COMMENT 'Offset in that partition' CODEC(Delta, LZ4),
    rules LowCardinality(String) COMMENT 'Version of the rules and of the register that classified the event',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'Time of the insert' CODEC(Delta, LZ4)
)
ENGINE = {replicated}MergeTree({path})
PARTITION BY toYYYYMM(time)
ORDER BY (ente, category, service, time)
SETTINGS {window} = 100000
COMMENT 'Facts: one row per event. No personal data.'
