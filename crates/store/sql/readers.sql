SELECT
    p.user_name AS user,
    arraySort(arrayDistinct(arrayFlatten(groupArray(extractAll(ifNull(r.select_filter, ''), '\'([^\']+)\''))))) AS enti
FROM system.settings_profile_elements AS p
LEFT JOIN (SELECT short_name, select_filter FROM system.row_policies WHERE database = {database:String}) AS r
ON r.short_name = concat('affluenza_views_', p.user_name)
WHERE p.inherit_profile = 'affluenza_reading' AND p.user_name IS NOT NULL AND NOT startsWith(p.user_name, 'affluenza_views_')
GROUP BY p.user_name
ORDER BY user
