SELECT DISTINCT identity FROM usage_events
WHERE {of_times} AND identity IN {identities:Array(UInt64)}
  AND (stream != {stream:String} OR kafka_partition < {kafka_partition:UInt32}
       OR (kafka_partition = {kafka_partition:UInt32} AND kafka_offset < {first_offset:UInt64}))
