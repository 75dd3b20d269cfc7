SELECT name, create_table_query AS statement FROM system.tables WHERE database = {database:String}
