INSERT INTO usage_hourly ({columns}) SELECT {columns} FROM ({hours}) SETTINGS {long}
