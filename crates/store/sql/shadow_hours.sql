SELECT {dimensions}, toUInt64(sum(h.events)) AS e, toUInt64(sum(h.accesses)) AS a, toUInt64(sum(h.service_uses)) AS s
FROM {shadow} AS h WHERE toYYYYMM(hour_start) = {month}
