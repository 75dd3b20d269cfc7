ALTER TABLE usage_hourly MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild'
