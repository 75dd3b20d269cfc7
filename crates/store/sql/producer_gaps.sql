SELECT s.producer AS producer, s.ente AS ente, s.portal AS portal,
       greatest(s.last, r.last) AS last_sequence, s.seen AS seen, r.dropped AS reported
FROM (
    SELECT producer, anyLast(b.ente) AS ente, anyLast(b.portal) AS portal, max(b.last_sequence) AS last,
           sum(bitCount(b.seen)) AS seen, max(b.seen_at) AS seen_at
    FROM (SELECT producer, bucket, groupBitOr(seen) AS seen, max(last_sequence) AS last_sequence,
                 anyLast(ente) AS ente, anyLast(portal) AS portal, max(seen_at) AS seen_at
          FROM producer_sequences GROUP BY producer, bucket) AS b
    GROUP BY producer) AS s
LEFT JOIN (
    SELECT producer, max(last_sequence) AS last, sum(events) AS dropped, max(ingested_at) AS seen_at
    FROM client_reports FINAL GROUP BY producer) AS r
ON s.producer = r.producer
WHERE last_sequence > s.seen + r.dropped
  AND greatest(s.seen_at, r.seen_at) <= now() - INTERVAL {minutes:UInt32} MINUTE
ORDER BY last_sequence - s.seen - r.dropped DESC, producer LIMIT {producers_max:UInt64}
