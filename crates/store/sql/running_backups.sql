SELECT count() FROM system.backups
WHERE name = {name:String} AND status = 'CREATING_BACKUP'
