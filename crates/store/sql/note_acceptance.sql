INSERT INTO acceptances (what, stream, kafka_partition, first_offset, next_offset, records,
    first_day, last_day, reason, accepted_by, accepted_at)
SELECT {what:String}, {stream:String}, {kafka_partition:UInt32}, {first_offset:UInt64}, {next_offset:UInt64}, {records:UInt64},
       toDate({first_day:UInt16}), toDate({last_day:UInt16}), {reason:String}, {accepted_by:String},
       toDateTime({accepted_at:UInt32}, 'UTC')
