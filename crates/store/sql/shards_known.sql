SELECT DISTINCT shards FROM (
    SELECT toUInt32(uniqExact(shard_num)) AS shards
    FROM clusterAllReplicas({name}, system.clusters)
    WHERE cluster = {name} GROUP BY hostName(), tcpPort())
SETTINGS skip_unavailable_shards = 1
