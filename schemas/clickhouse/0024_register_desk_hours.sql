CREATE TABLE IF NOT EXISTS register_desk_hours{local}{on_cluster}
(
    version String COMMENT 'Version of the register',
    ente String COMMENT 'Ente with the desk',
    weekday UInt8 COMMENT '1 for Monday to 7 for Sunday',
    opens UInt16 COMMENT 'Minutes since local midnight',
    closes UInt16 COMMENT 'Minutes since local midnight, exclusive'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (version, ente, weekday, opens){no_window}
COMMENT 'Desk hours of each ente in an ordinary week. Desks are closed on holidays.'
