SELECT toString(l.stream) AS stream, l.kafka_partition AS kafka_partition, min(l.first_offset) AS first_offset,
       max(l.next_offset) AS next_offset, count() AS blocks, sum(l.records_read) AS records_read,
       sum(l.stored) AS stored, sum(l.duplicate) AS duplicate, sum(l.rejected) AS rejected,
       sum(l.quarantined) AS quarantined, sum(l.reports) AS reports, sum(l.erased) AS erased,
       sum(l.control) AS control, sum(l.lost) AS lost
FROM ingest_ledger AS l FINAL
GROUP BY stream, kafka_partition ORDER BY stream, kafka_partition
