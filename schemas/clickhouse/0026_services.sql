CREATE OR REPLACE VIEW services{on_cluster}
(
    code String COMMENT 'Code of the service',
    name_it String COMMENT 'Italian name',
    name_en String COMMENT 'English name; empty if not given',
    category LowCardinality(String) COMMENT 'Category from valid_from to valid_to',
    category_name_it LowCardinality(String) COMMENT 'Italian name of the category',
    category_name_en LowCardinality(String) COMMENT 'English name of the category',
    nature LowCardinality(String) COMMENT 'Intended kind of use: plain, payment or booking',
    subject String COMMENT 'AgID subject matter; empty if not given',
    life_event String COMMENT 'AgID life event; empty if not given',
    valid_from Date32 COMMENT 'First day in this category; 1900-01-01 if there is no beginning',
    valid_to Date32 COMMENT 'First day no longer in this category; 2299-12-31 if there is no end'
)
AS
SELECT * EXCEPT version
FROM register_services
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Services of the current register, one row for each category of a service.'
