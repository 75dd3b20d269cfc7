CREATE TABLE IF NOT EXISTS shard_layouts
(
    shards UInt32 COMMENT 'Among how many shards blocks of facts are shared out from then on',
    noted_at DateTime('UTC') DEFAULT now() COMMENT 'When it was noted by `affluenza migrate`'
)
ENGINE = MergeTree
ORDER BY noted_at
COMMENT 'Of a cluster: among how many shards blocks of facts are shared out, and were. A block from before the last change is looked for before it is written again.'
