DROP {kind} {database}.{table} SYNC
SETTINGS check_table_dependencies = 0, check_referential_table_dependencies = 0
