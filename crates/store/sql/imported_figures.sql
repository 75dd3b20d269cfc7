SELECT i.number AS number, toString(i.kind) AS kind, i.source AS source, toString(i.source_date) AS source_date,
       i.licence AS licence, i.imported_by AS imported_by, toUnixTimestamp(i.imported_at) AS imported_at,
       i.hash AS hash, i.content AS content
FROM imported_figures AS i ORDER BY number, hash
