ALTER TABLE usage_hourly MODIFY SETTING
    deduplicate_merge_projection_mode = 'rebuild',
    materialize_projections_on_insert = 0,
    materialize_projections_on_merge = 1
