SELECT s.content FROM sealed_years AS s WHERE s.number = {number:UInt32} AND s.hash = {hash:String} LIMIT 1
