CREATE OR REPLACE DICTIONARY {name}{on_cluster} ({columns}) PRIMARY KEY code
SOURCE(CLICKHOUSE(USER {user} PASSWORD {password} DB '{database}' QUERY {query}))
LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(MIN 60 MAX 120)
COMMENT 'Of the register in force, for dictGet'
