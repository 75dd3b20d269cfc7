toYYYYMM(time) IN {months:Array(UInt32)} AND stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32}
AND kafka_offset >= {first_offset:UInt64} AND kafka_offset < {next_offset:UInt64}
