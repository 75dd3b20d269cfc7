SELECT count() AS cells, sum(e) AS events, sum(a) AS accesses, sum(s) AS service_uses,
       sum(cityHash64({dimensions}, e, a, s)) AS checksum
FROM ({cells} GROUP BY {dimensions}) SETTINGS {long}
