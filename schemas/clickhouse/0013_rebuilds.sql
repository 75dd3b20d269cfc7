CREATE TABLE IF NOT EXISTS rebuilds{local}{on_cluster}
(
    id String COMMENT 'Identifier of the run, also a part of the name of its consumer group',
    dry_run Bool COMMENT 'True if the run only lists the changes',
    rules LowCardinality(String) COMMENT 'Version of the rules and of the register used by the run',
    owner String COMMENT 'Host, process id and start of the running process',
    phase Enum8('copying' = 1, 'replaying' = 2, 'exchanging' = 3, 'settling' = 4, 'done' = 5, 'abandoned' = 6) COMMENT 'Phase of the run: history is copied to the second database, the log is replayed there, the tables are exchanged, differences are repaired',
    tables Array(String) COMMENT 'Ids of the tables of the second database that replace the present ones',
    started_at DateTime('UTC') COMMENT 'Start time',
    finished_at DateTime('UTC') COMMENT 'End time; 1970 while the run is unfinished',
    held_until DateTime('UTC') COMMENT 'End of the pause in which consumers begin no block, so that the tables can be exchanged',
    version UInt64 COMMENT 'Number of the row of a run. The highest is valid'
)
ENGINE = {replicated}ReplacingMergeTree({path, }version)
ORDER BY id{no_window}
COMMENT 'Finished and current rebuilds: one row per run. Read with FINAL.'
