SELECT pair.1 AS name, formatQuery(pair.2) AS query
FROM (SELECT arrayJoin(arrayZip({names:Array(String)}, {queries:Array(String)})) AS pair)
