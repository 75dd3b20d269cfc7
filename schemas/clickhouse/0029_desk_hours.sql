CREATE OR REPLACE VIEW desk_hours{on_cluster} AS
SELECT * EXCEPT version
FROM register_desk_hours
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Desk hours of each ente in the current register.'
