ente = {ente:String} AND ({portal:String} = '' OR portal = {portal:String})
AND local_date >= toDate({first_day:UInt16}) AND local_date <= toDate({last_day:UInt16})
