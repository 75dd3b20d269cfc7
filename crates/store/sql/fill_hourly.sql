INSERT INTO {shadow} ({columns}) SELECT {columns} FROM ({hours})
SETTINGS {long}, insert_deduplicate = 1, insert_deduplication_token = {token}
