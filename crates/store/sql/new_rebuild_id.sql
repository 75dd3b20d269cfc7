SELECT concat(formatDateTime(now('UTC'), '%Y%m%d%H%i%S'), '_', lower(hex(toUInt16(rand() % 65536)))) AS id,
       toUnixTimestamp(now()) AS started_at
