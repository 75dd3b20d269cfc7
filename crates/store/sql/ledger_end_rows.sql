SELECT kafka_partition, e.1 AS next_offset, e.2 AS first_offset, e.3 AS checksum,
       r.2 AS read_from, r.1 AS read_to, r.3 AS records, r.4 AS records_checksum
FROM (
    SELECT kafka_partition, max((next_offset, first_offset, checksum)) AS e,
           maxIf((next_offset, first_offset, records_read, checksum), lost = 0 AND records_read > 0) AS r
    FROM ingest_ledger FINAL WHERE stream = {stream:String} GROUP BY kafka_partition)
