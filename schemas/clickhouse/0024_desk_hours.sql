CREATE OR REPLACE VIEW desk_hours AS
SELECT * EXCEPT version
FROM register_desk_hours
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'When the desk of an ente is open, by the register in force.'
