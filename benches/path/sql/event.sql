type LowCardinality(String),
source LowCardinality(String),
id String,
time String,
data Tuple(
    ente LowCardinality(String), portal LowCardinality(String), service LowCardinality(String), kind LowCardinality(String),
    outcome LowCardinality(String), channel LowCardinality(String), login LowCardinality(String), session String, visitor String,
    client Tuple(user_agent LowCardinality(String), country LowCardinality(String)))
