ALTER TABLE usage_events COMMENT COLUMN band 'Band of the local hour: night 0 to 8, office 8 to 18, evening 18 to 24'
