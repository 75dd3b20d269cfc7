INSERT INTO copy_searches (stream, kafka_partition, next_offset)
SELECT {stream:String}, searched.1, searched.2
FROM (SELECT arrayJoin(arrayZip({partitions:Array(UInt32)}, {ends:Array(UInt64)})) AS searched)
