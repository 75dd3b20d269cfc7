-- Prints models/sources.yml, by FORMAT TSVRaw, from the comments of the views and their columns.
SELECT concat('# Written from the comments of the views by sources.sql; a test compares it.
version: 2
sources:
  - name: affluenza
    schema: "{{ env_var(\'AFFLUENZA_DATABASE\', \'affluenza\') }}"
    tables:
', arrayStringConcat(arraySort(groupArray((name, entry))).2, '\n'))
FROM
(
    SELECT
        views.name AS name,
        concat('      - name: ', views.name, '\n        description: ', toJSONString(any(views.comment)), '\n        columns:\n',
            arrayStringConcat(arraySort(groupArray((columns.position, concat(
                '          - name: ', columns.name, '\n            description: ', toJSONString(columns.comment))))).2, '\n')) AS entry
    FROM system.tables AS views
    INNER JOIN system.columns AS columns ON columns.database = views.database AND columns.table = views.name
    WHERE views.database = currentDatabase() AND views.engine = 'View'
    GROUP BY views.name
)
