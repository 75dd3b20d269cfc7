(
    toYear(local_date) NOT IN (SELECT toUInt16(year) FROM sealed_years),
    stream = {stream} AND ({held}),
    toString(stream), kafka_partition, kafka_offset
)
