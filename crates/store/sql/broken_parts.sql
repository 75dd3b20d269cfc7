SELECT table, name FROM system.detached_parts
WHERE database = {database:String} AND startsWith(ifNull(reason, ''), 'broken')
