SELECT {dimensions},
       count() AS events,
       countIf(resource = 'page') AS accesses,
       countIf(activity = 'service-use' AND outcome = 'completed') AS service_uses,
       uniqCombined64IfState(visitor, visitor != 0 AND resource IN ('none', 'page')) AS visitors
FROM {facts}
GROUP BY {dimensions}
