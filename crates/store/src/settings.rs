//! Settings required for exactly-once inserts. They are sent with every insert, so that no server
//! profile can change them.

/// Name and value of each setting.
pub const INSERT: &[(&str, &str)] = &[
    // An asynchronous insert is confirmed before its materialized views are written.
    ("async_insert", "0"),
    ("wait_for_async_insert", "1"),
    ("insert_deduplicate", "1"),
    ("deduplicate_insert", "enable"),
    // Without this setting a repeated block is skipped in the facts but counted twice in the
    // aggregates.
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("materialized_views_ignore_errors", "0"),
    // An INSERT must be one block, because a token identifies a whole block.
    ("max_insert_block_size", "10000000"),
    ("min_insert_block_size_rows", "0"),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
    ("max_insert_threads", "1"),
    ("parallel_view_processing", "0"),
    ("max_threads", "1"),
    // The GROUP BY of the view must return a single block. 0 disables the two-level aggregation,
    // which would return 256 blocks, each a part of every month. So would a small `max_block_size`.
    ("group_by_two_level_threshold", "0"),
    ("group_by_two_level_threshold_bytes", "0"),
    ("max_block_size", "10000000"),
    // Row formats are also split by bytes.
    ("max_insert_block_size_bytes", "0"),
    ("input_format_max_block_size_bytes", "0"),
    // Imported history may have many years in one block.
    ("max_partitions_per_insert_block", "0"),
    ("optimize_on_insert", "1"),
    ("wait_end_of_query", "1"),
];
