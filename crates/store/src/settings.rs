//! The settings that exactly-once rests on. They go with every insert, so that no profile of
//! the server can change them.

/// `(name, value)` of each.
pub const INSERT: &[(&str, &str)] = &[
    // An asynchronous insert is acknowledged before its views are written.
    ("async_insert", "0"),
    ("wait_for_async_insert", "1"),
    ("insert_deduplicate", "1"),
    ("deduplicate_insert", "enable"),
    // Without it a repeated block is skipped in the facts and counted again in the aggregates.
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("materialized_views_ignore_errors", "0"),
    // One INSERT is one block: a token stands for the block as a whole.
    ("max_insert_block_size", "10000000"),
    ("min_insert_block_size_rows", "0"),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
    ("max_insert_threads", "1"),
    ("parallel_view_processing", "0"),
    ("max_threads", "1"),
    // The view's GROUP BY gives one block: 0 is "never". In two levels it would give 256, and each
    // becomes a part of each month; so does every `max_block_size` groups.
    ("group_by_two_level_threshold", "0"),
    ("group_by_two_level_threshold_bytes", "0"),
    ("max_block_size", "10000000"),
    // Row formats are cut by bytes, too.
    ("max_insert_block_size_bytes", "0"),
    ("input_format_max_block_size_bytes", "0"),
    // History of many years may come in one block.
    ("max_partitions_per_insert_block", "0"),
    ("optimize_on_insert", "1"),
    ("wait_end_of_query", "1"),
];
