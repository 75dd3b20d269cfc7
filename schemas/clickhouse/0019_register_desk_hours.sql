CREATE TABLE IF NOT EXISTS register_desk_hours
(
    version String COMMENT 'Register that says so',
    ente String COMMENT 'Whose desk',
    weekday UInt8 COMMENT '1 for Monday to 7 for Sunday',
    opens UInt16 COMMENT 'Minutes since local midnight',
    closes UInt16 COMMENT 'Minutes since local midnight, not included'
)
ENGINE = MergeTree
ORDER BY (version, ente, weekday, opens)
COMMENT 'When the desk of an ente is open in an ordinary week. Closed on its holidays.'
