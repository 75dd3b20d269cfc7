CREATE OR REPLACE VIEW services AS
SELECT * EXCEPT version
FROM register_services
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Services of the register in force, a row for each category that they have been in.'
