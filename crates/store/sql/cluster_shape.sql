SELECT uniqExact(shard_num) AS shards, countIf(NOT internal_replication) AS copied, count() AS servers
FROM system.clusters WHERE cluster = {cluster:String}
