CREATE OR REPLACE VIEW desk_hours{on_cluster}
(
    ente String COMMENT 'Ente with the desk',
    weekday UInt8 COMMENT '1 for Monday to 7 for Sunday',
    opens UInt16 COMMENT 'Minutes since local midnight',
    closes UInt16 COMMENT 'Minutes since local midnight, exclusive'
)
AS
SELECT * EXCEPT version
FROM register_desk_hours
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Desk hours of each ente in the current register.'
