SELECT concat(hostName(), ':', toString(tcpPort())) AS name, version() AS version,
       toInt64(toUnixTimestamp(nowInBlock())) AS now
FROM {servers} SETTINGS skip_unavailable_shards = 1
