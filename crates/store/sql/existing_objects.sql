SELECT t.name AS name, ifNull(formatQueryOrNull(replaceAll(t.as_select, concat({database:String}, '.'), '')), '') AS query,
       count() AS nodes, any(c.names) AS columns
FROM {tables} AS t
LEFT JOIN (
    SELECT table, arrayStringConcat(groupUniqArray(name), ' ') AS names
    FROM system.columns WHERE database = {database:String} GROUP BY table) AS c
ON c.table = t.name
WHERE t.database = {database:String} GROUP BY t.name, query
SETTINGS skip_unavailable_shards = 1
