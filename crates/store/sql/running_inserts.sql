SELECT count() FROM {processes}
WHERE Settings['insert_deduplication_token'] = {token:String}
   OR startsWith(Settings['insert_deduplication_token'], concat({token:String}, '/'))
SETTINGS skip_unavailable_shards = 1
