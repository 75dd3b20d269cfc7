CREATE TABLE IF NOT EXISTS register_services
(
    version String COMMENT 'Register that says so',
    code String COMMENT 'Code of the service',
    name_it String COMMENT 'Italian name',
    name_en String COMMENT 'English name; empty when not given',
    category LowCardinality(String) COMMENT 'Category of the days below',
    category_name_it LowCardinality(String) COMMENT 'Italian name of the category',
    category_name_en LowCardinality(String) COMMENT 'English name of the category',
    nature LowCardinality(String) COMMENT 'Kind of use that it is made for: plain, payment or booking',
    subject String COMMENT 'AgID subject matter; empty when not given',
    life_event String COMMENT 'AgID life event; empty when not given',
    valid_from Date32 COMMENT 'First day in this category; 1900-01-01 for as far back as anyone asks',
    valid_to Date32 COMMENT 'First day no longer in it; 2299-12-31 until further notice'
)
ENGINE = MergeTree
ORDER BY (version, code, valid_from)
COMMENT 'Services, a row for each category that they have been in, of every register that has been applied. The view services has those of the register in force.'
