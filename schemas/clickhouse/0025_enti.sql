CREATE OR REPLACE VIEW enti{on_cluster} AS
SELECT * EXCEPT version
FROM register_enti
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Public bodies of the current register.'
