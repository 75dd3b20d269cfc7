CREATE OR REPLACE VIEW deployments{on_cluster} AS
SELECT * EXCEPT version
FROM register_deployments
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Online services of each ente in the current register.'
