CREATE OR REPLACE VIEW holidays AS
SELECT * EXCEPT version
FROM register_holidays
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'National holidays and patron saints by ente, by the register in force.'
