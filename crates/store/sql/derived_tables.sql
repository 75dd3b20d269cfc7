SELECT name, engine FROM system.tables
WHERE database = {database:String} AND engine IN ('View', 'MaterializedView', 'Dictionary')
