CREATE TABLE IF NOT EXISTS rebuilds{local}{on_cluster}
(
    id String COMMENT 'Identifier of the run. Its shadow tables are rebuilding_<id>_…',
    what Enum8('aggregates' = 1, 'facts' = 2) COMMENT 'Rebuilt data',
    period String COMMENT 'Value of --period; empty for everything',
    dry_run Bool COMMENT 'True if the run skips the swap',
    rules LowCardinality(String) COMMENT 'Version of the rules and of the register used by the run',
    owner String COMMENT 'Host, process id and start of the running process',
    months Array(UInt32) COMMENT 'Months of the run, as YYYYMM',
    compared Array(UInt32) COMMENT 'Months whose changes are in rebuild_changes',
    swapped Array(UInt32) COMMENT 'Months that have been swapped',
    phase Enum8('working' = 1, 'settling' = 2, 'done' = 3, 'abandoned' = 4) COMMENT 'Phase of the run. While settling, ledger and aggregates are brought in line',
    started_at DateTime('UTC') COMMENT 'Start time',
    finished_at DateTime('UTC') COMMENT 'End time; 1970 while the run is unfinished',
    version UInt64 COMMENT 'Number of the row of a run. The highest is valid'
)
ENGINE = {replicated}ReplacingMergeTree({path, }version)
ORDER BY id{no_window}
COMMENT 'Finished and current rebuilds: one row per run. Read with FINAL.'
