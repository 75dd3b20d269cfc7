ALTER TABLE sealed_years MODIFY SETTING non_replicated_deduplication_window = 10000
