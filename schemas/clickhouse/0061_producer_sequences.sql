CREATE TABLE IF NOT EXISTS producer_sequences
(
    producer String COMMENT 'Process that numbers its events',
    bucket UInt64 COMMENT 'Numbers 64 × bucket + 1 to 64 × bucket + 64',
    seen SimpleAggregateFunction(groupBitOr, UInt64) COMMENT 'A bit for each number that was read, from the lowest on',
    last_sequence SimpleAggregateFunction(max, UInt64) COMMENT 'Highest number among them',
    ente SimpleAggregateFunction(anyLast, String) COMMENT 'Public body of one of these events',
    portal SimpleAggregateFunction(anyLast, String) COMMENT 'Portal of one of these events',
    seen_at SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() COMMENT 'When one of them was read last'
)
ENGINE = AggregatingMergeTree
ORDER BY (producer, bucket)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Which numbers of each producer were read, whatever became of the events. Group by producer and bucket.'
