SELECT name, create_table_query AS statement
FROM {tables} WHERE database = {database:String} AND name IN {names:Array(String)}
SETTINGS skip_unavailable_shards = 1
