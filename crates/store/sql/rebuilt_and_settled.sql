SELECT * FROM {shadow} WHERE {within} AND toYYYYMM(time) = {rebuilt}
UNION ALL
SELECT * FROM usage_events WHERE {within} AND toYYYYMM(time) != {rebuilt} AND {settled}
