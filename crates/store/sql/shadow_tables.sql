SELECT name FROM {tables}
WHERE database = {database:String} AND startsWith(name, {prefix:String})
