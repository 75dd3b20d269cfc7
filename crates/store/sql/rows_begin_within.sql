stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32}
AND first_offset >= {first_offset:UInt64} AND first_offset < {next_offset:UInt64}
