SELECT toUnixTimestamp64Milli(max(time)) FROM usage_events
WHERE {except:String} = '' OR stream != {except:String} HAVING count() > 0
