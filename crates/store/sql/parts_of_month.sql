SELECT count() FROM system.parts
WHERE database = {database:String} AND table = {table:String} AND active AND partition_id = {month:String} AND rows > 0
