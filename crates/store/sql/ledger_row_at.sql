SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, l.first_offset AS first_offset,
       l.next_offset AS next_offset, l.records_read AS records_read, l.control AS control, l.lost AS lost,
       arrayMap(ente -> toString(ente), l.`fates.ente`) AS entes, arrayMap(day -> toUInt16(day), l.`fates.day`) AS days,
       arrayMap(fate -> toInt8(fate), l.`fates.fate`) AS fates, arrayMap(reason -> toString(reason), l.`fates.reason`) AS reasons,
       l.`fates.records` AS records, l.checksum AS checksum, toString(l.rules) AS rules
FROM ingest_ledger AS l FINAL
WHERE l.stream = {stream:String} AND l.kafka_partition = {kafka_partition:UInt32}
  AND l.first_offset <= {offset:UInt64} AND l.next_offset > {offset:UInt64}
ORDER BY l.first_offset DESC LIMIT 1
