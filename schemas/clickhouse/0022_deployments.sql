CREATE OR REPLACE VIEW deployments AS
SELECT * EXCEPT version
FROM register_deployments
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Which services which ente offers on line, by the register in force.'
