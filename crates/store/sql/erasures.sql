SELECT e.id AS id, toString(e.ente) AS ente, toString(e.portal) AS portal, toUInt16(e.first_day) AS first_day,
       toUInt16(e.last_day) AS last_day, e.reason AS reason,
       arrayZip(arrayMap(s -> toString(s), e.`ends.stream`), e.`ends.kafka_partition`, e.`ends.next_offset`) AS ends,
       e.facts AS facts, toUnixTimestamp(e.begun_at) AS begun_at, e.done AS done, e.version AS version
FROM erasures AS e FINAL ORDER BY begun_at, id
