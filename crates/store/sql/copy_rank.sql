(
    toYear(local_date) NOT IN (SELECT toUInt16(year) FROM sealed_years WHERE month = 0),
    stream = {stream} AND ({held}),
    toString(stream), kafka_partition, kafka_offset
)
