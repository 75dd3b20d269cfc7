CREATE OR REPLACE VIEW holidays{on_cluster}
(
    ente String COMMENT 'Ente with the holiday',
    day Date COMMENT 'Local day, from 1970 to 2099',
    holiday LowCardinality(String) COMMENT 'Name of the holiday; patron for the patron saint of the ente'
)
AS
SELECT h.ente AS ente, h.day AS day, h.holiday AS holiday
FROM register_holidays AS h
WHERE h.version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
UNION ALL
SELECT e.code AS ente, n.day AS day, n.holiday AS holiday
FROM register_enti AS e
GLOBAL INNER JOIN register_national_holidays AS n ON n.version = e.version
WHERE e.version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'National holidays and patron saints by ente, from 1970 to 2099, in the current register.'
