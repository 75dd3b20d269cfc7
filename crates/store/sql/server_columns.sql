SELECT c.table AS table, c.name AS name, c.type AS kind, c.comment AS comment FROM system.columns AS c
WHERE c.database = currentDatabase() ORDER BY c.table, c.position
