CREATE OR REPLACE VIEW services{on_cluster} AS
SELECT * EXCEPT version
FROM register_services
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Services of the current register, one row for each category of a service.'
