CREATE TABLE IF NOT EXISTS shard_layouts{local}{on_cluster}
(
    shards UInt32 COMMENT 'Number of shards for blocks of facts from then on',
    noted_at DateTime('UTC') DEFAULT now() COMMENT 'Time at which `affluenza migrate` recorded the number'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY noted_at{no_window}
COMMENT 'Current and previous numbers of shards of a cluster. A block from before the last change is searched for before it is written again.'
