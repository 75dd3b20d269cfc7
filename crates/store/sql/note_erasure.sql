INSERT INTO erasures (id, ente, portal, first_day, last_day, reason, `ends.stream`, `ends.kafka_partition`, `ends.next_offset`,
    facts, begun_at, done, version)
SELECT {id:String}, {ente:String}, {portal:String}, toDate({first_day:UInt16}), toDate({last_day:UInt16}), {reason:String},
       {streams:Array(String)}, {partitions:Array(UInt32)}, {nexts:Array(UInt64)},
       {facts:UInt64}, toDateTime({begun_at:UInt32}, 'UTC'), {done:Bool}, {version:UInt64}
