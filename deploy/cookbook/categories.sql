-- Quali categorie di servizi si usano di più, e come sono cambiate?
-- Which categories are used most, and how did they change? A category without uses in one of the years is included; its
-- change is NULL if the year before has no uses.
SELECT
    category,
    sumIf(u.service_uses, year = {year:UInt16}) AS uses,
    sumIf(u.service_uses, year = {year:UInt16} - 1) AS uses_before,
    if(uses_before = 0, NULL, round(100 * (uses / uses_before - 1), 1)) AS change_percent
FROM usage_by_category AS u
WHERE year IN ({year:UInt16}, {year:UInt16} - 1)
GROUP BY category
ORDER BY uses DESC, category
