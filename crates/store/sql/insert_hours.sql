INSERT INTO usage_hourly ({keys}, events, accesses, service_uses, visitors)
SELECT {keys}, events, accesses, service_uses,
       arrayReduce('uniqCombined64IfState', visitor_ids, arrayWithConstant(length(visitor_ids), 1)) AS visitors
FROM input('{columns}') FORMAT Native
