CREATE TABLE queue_services (code String, category String) ENGINE = MergeTree ORDER BY code;
INSERT INTO queue_services VALUES {services};
CREATE DICTIONARY queue_categories (code String, category String) PRIMARY KEY code
SOURCE(CLICKHOUSE(USER '{user}' PASSWORD '{password}' DB '{database}' TABLE 'queue_services'))
LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0);
CREATE TABLE queue
(
    type LowCardinality(String),
    source LowCardinality(String),
    id String,
    time String,
    data Tuple(
        ente LowCardinality(String), portal LowCardinality(String), service LowCardinality(String), kind LowCardinality(String),
        outcome LowCardinality(String), channel LowCardinality(String), login LowCardinality(String), session String, visitor String,
        client Tuple(user_agent LowCardinality(String), country LowCardinality(String)))
)
ENGINE = Kafka
SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{topic}', kafka_group_name = '{group}', kafka_format = 'JSONEachRow',
    kafka_num_consumers = 2, kafka_thread_per_consumer = 1, kafka_max_block_size = 65536, kafka_poll_max_batch_size = 65536,
    kafka_flush_interval_ms = 400;
CREATE MATERIALIZED VIEW queue_to_facts TO usage_events AS
WITH
    parseDateTime64BestEffort(q.time, 3, 'UTC') AS at,
    toTimeZone(at, 'Europe/Rome') AS local,
    q.data.client.user_agent AS ua,
    q.type = 'it.affluenza.service-use.v1' AS is_use
SELECT
    at AS time,
    toStartOfHour(at) AS hour_start,
    toDate(local) AS local_date,
    toHour(local) AS local_hour,
    multiIf(toHour(local) < 8, 'night', toHour(local) < 18, 'office', 'evening') AS band,
    q.data.ente AS ente,
    q.data.portal AS portal,
    q.data.service AS service,
    if(empty(q.data.service), '', dictGetOrDefault('{database}.queue_categories', 'category', tuple(toString(q.data.service)), 'unregistered')) AS category,
    if(is_use, 'service-use', 'access') AS activity,
    if(is_use, toString(q.data.kind), 'none') AS kind,
    if(is_use, 'none', 'page') AS resource,
    if(empty(q.data.outcome), 'completed', toString(q.data.outcome)) AS outcome,
    if(empty(q.data.channel), 'web', toString(q.data.channel)) AS channel,
    if(empty(q.data.login), 'none', toString(q.data.login)) AS login,
    multiIf(
        match(ua, '(?i)bot\\b|crawl|spider|slurp|curl/|wget|python-|java/|okhttp|httpclient|headless|monitor|https?://'), 'bot',
        match(ua, '(?i)smart-?tv|appletv|playstation|xbox|nintendo|watch|roku|crkey'), 'other',
        match(ua, 'iPad|Tablet|Kindle|Silk|PlayBook') OR (position(ua, 'Android') > 0 AND position(ua, 'Mobile') = 0), 'tablet',
        match(ua, 'iPhone|iPod|Android|Windows Phone|BlackBerry|Mobile'), 'smartphone',
        match(ua, 'Windows NT|Macintosh|X11|CrOS|Linux'), 'desktop',
        'other') AS device,
    'sql' AS device_rule,
    q.data.client.country AS country,
    '' AS region,
    if(empty(q.data.session), 0, xxh3(q.data.session)) AS session,
    if(empty(q.data.visitor), 0, xxh3(q.data.visitor)) AS visitor,
    xxh3(q.source, q.id) AS identity,
    'plain' AS stream,
    q._partition AS kafka_partition,
    q._offset AS kafka_offset,
    'sql' AS rules
FROM queue AS q;
