//! Settings required for exactly-once inserts. They are sent with every insert, so that no server
//! profile can change them.

/// Name and value of each setting.
pub const INSERT: &[(&str, &str)] = &[
    // An asynchronous insert may be confirmed before its rows are stored.
    ("async_insert", "0"),
    ("wait_for_async_insert", "1"),
    ("insert_deduplicate", "1"),
    ("deduplicate_insert", "enable"),
    // Hour rows are an INSERT SELECT.
    ("deduplicate_insert_select", "enable_even_for_bad_queries"),
    // An INSERT must be one block, because a token identifies a whole block.
    ("max_insert_block_size", "10000000"),
    ("min_insert_block_size_rows", "0"),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
    ("max_insert_threads", "1"),
    ("max_threads", "1"),
    ("max_block_size", "10000000"),
    // Row formats are also split by bytes.
    ("max_insert_block_size_bytes", "0"),
    ("input_format_max_block_size_bytes", "0"),
    // Imported history may have many years in one block.
    ("max_partitions_per_insert_block", "0"),
    ("optimize_on_insert", "1"),
    ("wait_end_of_query", "1"),
];
