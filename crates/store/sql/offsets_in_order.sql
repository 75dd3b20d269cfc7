SELECT kafka_offset FROM {table}
WHERE {in_range} ORDER BY kafka_offset SETTINGS {long}
