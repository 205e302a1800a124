-- The twenty wells with the most oil
-- Over their whole life, in thousand barrels, with the months that were reported of them and their best month.
SELECT
    source,
    arg_max(field_name, calendar_month) AS field,
    arg_max(well_name, calendar_month) AS well,
    round(sum(oil_production_kb), 1) AS oil_kb,
    count(*) AS months,
    arg_max(calendar_month, oil_production_kb) AS best_month
FROM monthly
GROUP BY source, field_code, well_code
HAVING oil_kb IS NOT NULL
ORDER BY oil_kb DESC, source, field_code, well_code
LIMIT 20;
