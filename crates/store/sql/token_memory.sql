SELECT assumeNotNull((SELECT toUInt64(max(toUnixTimestamp(now()) - uptime())) FROM {servers}
                      SETTINGS skip_unavailable_shards = 1)) AS started_at,
       assumeNotNull((SELECT toUInt64(sum(2 + length(arrayDistinct(arrayMap(day -> toYYYYMM(day), `fates.day`)))))
                      FROM ingest_ledger WHERE written_at >= toDateTime({since:UInt64}, 'UTC'))) AS parts
