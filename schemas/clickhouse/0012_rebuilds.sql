CREATE TABLE IF NOT EXISTS rebuilds
(
    id String COMMENT 'Names the run; its shadow tables are rebuilding_<id>_…',
    what Enum8('aggregates' = 1, 'facts' = 2) COMMENT 'What is made anew',
    period String COMMENT 'As given with --period; empty for everything',
    dry_run Bool COMMENT 'Whether everything but the swap is done',
    rules LowCardinality(String) COMMENT 'Version of the rules and of the register that classify',
    owner String COMMENT 'Host, process and start of the process that does it',
    months Array(UInt32) COMMENT 'Months to do, as YYYYMM',
    compared Array(UInt32) COMMENT 'Months whose changes are in rebuild_changes',
    swapped Array(UInt32) COMMENT 'Months that have been put in place',
    phase Enum8('working' = 1, 'settling' = 2, 'done' = 3, 'abandoned' = 4) COMMENT 'How far it is; settling: ledger and aggregates are brought in line',
    started_at DateTime('UTC') COMMENT 'When it began',
    finished_at DateTime('UTC') COMMENT 'When it ended; 1970 as long as it has not',
    version UInt64 COMMENT 'Counts the rows of a run: the newest holds'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
COMMENT 'What was made anew, and what is under way: one row a run. Read with FINAL.'
