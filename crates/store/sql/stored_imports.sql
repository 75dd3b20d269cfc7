SELECT count() FROM usage_events
WHERE stream = {stream:String} AND ente = {ente:String} AND portal = {portal:String} AND channel = 'import'
  AND arrayExists(
      (in_partition, from_offset, to_offset) -> kafka_partition = in_partition AND kafka_offset BETWEEN from_offset AND to_offset,
      {kafka_partition:Array(UInt32)}, {first:Array(UInt64)}, {last:Array(UInt64)})
