CREATE TABLE sql_services (code String, category String) ENGINE = MergeTree ORDER BY code;
INSERT INTO sql_services VALUES {services};
CREATE DICTIONARY sql_categories (code String, category String) PRIMARY KEY code
SOURCE(CLICKHOUSE(USER '{user}' PASSWORD '{password}' DB '{database}' TABLE 'sql_services'))
LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0);
