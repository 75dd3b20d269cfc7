CREATE TABLE IF NOT EXISTS producer_sequences{local}{on_cluster}
(
    producer String COMMENT 'Process that numbers its events',
    bucket UInt64 COMMENT 'Numbers 64 × bucket + 1 to 64 × bucket + 64',
    seen SimpleAggregateFunction(groupBitOr, UInt64) COMMENT 'One bit for each number that was read, lowest first',
    last_sequence SimpleAggregateFunction(max, UInt64) COMMENT 'Highest number that was read',
    ente SimpleAggregateFunction(anyLast, String) COMMENT 'Public body of one of these events',
    portal SimpleAggregateFunction(anyLast, String) COMMENT 'Portal of one of these events',
    seen_at SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() COMMENT 'Last time that one of them was read'
)
ENGINE = {replicated}AggregatingMergeTree({path})
ORDER BY (producer, bucket)
SETTINGS {window} = 100000
COMMENT 'Sequence numbers of each producer that were read, with any fate. Group by producer and bucket.'
