SELECT toUInt16(argMaxIf(arrayMin(days), next_offset, next_offset <= {first_offset:UInt64})) AS first_day,
       toUInt16(if(countIf(first_offset >= {next_offset:UInt64}) = 0, today(),
                   argMinIf(arrayMax(days), first_offset, first_offset >= {next_offset:UInt64}))) AS last_day
FROM (
    SELECT first_offset, next_offset, `fates.day` AS days FROM ingest_ledger FINAL
    WHERE stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32} AND notEmpty(`fates.day`))
