INSERT INTO {shadow} ({columns})
SELECT {values} FROM (
    SELECT * FROM usage_events
    WHERE {in_range} {named} AND kafka_offset NOT IN (SELECT kafka_offset FROM {shadow} WHERE {in_range})) AS e
ASOF INNER JOIN {codes} AS c
ON e.ente = c.ente AND e.portal = c.portal AND e.service = c.service AND toUInt16(e.local_date) >= c.from_day
SETTINGS {long}, insert_deduplicate = 0, max_query_size = 1048576
