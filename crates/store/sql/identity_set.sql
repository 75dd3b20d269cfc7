SELECT count() AS facts, sum(t.identity) AS checksum FROM {table} AS t
WHERE toYYYYMM(t.time) = {month:UInt32} AND {condition} SETTINGS {long}
