INSERT INTO months_in_doubt (month, stream, kafka_partition, first_offset, next_offset)
SELECT arrayJoin({months:Array(UInt32)}), {stream:String}, {kafka_partition:UInt32}, {first_offset:UInt64}, {next_offset:UInt64}
