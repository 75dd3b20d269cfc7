SELECT bucket, groupBitOr(seen) AS seen FROM producer_sequences WHERE producer = {producer:String}
GROUP BY bucket ORDER BY bucket LIMIT {buckets_max:UInt64}
