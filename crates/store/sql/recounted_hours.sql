SELECT {dimensions}, toUInt64(count()) AS e, toUInt64(countIf(resource = 'page')) AS a,
       toUInt64(countIf(activity = 'service-use' AND outcome = 'completed')) AS s
FROM ({facts})
