CREATE OR REPLACE VIEW deployments{on_cluster}
(
    ente String COMMENT 'Ente that offers the service',
    service String COMMENT 'Offered service',
    nature LowCardinality(String) COMMENT 'Intended kind of use at this ente',
    valid_from Date32 COMMENT 'First day; 1900-01-01 if there is no beginning',
    valid_to Date32 COMMENT 'First day on which it is no longer offered; 2299-12-31 if there is no end'
)
AS
SELECT * EXCEPT version
FROM register_deployments
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Online services of each ente in the current register.'
