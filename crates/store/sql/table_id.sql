SELECT toString(t.uuid) FROM system.tables AS t WHERE t.database = {database:String} AND t.name = {table:String}
