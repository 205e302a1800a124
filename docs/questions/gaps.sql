-- Wells with gaps in their months
-- A month is a gap when the well has a row before it and one after it, and has none itself.
SELECT
    source,
    arg_max(field_name, calendar_month) AS field,
    arg_max(well_name, calendar_month) AS well,
    min(calendar_month) AS first_month,
    max(calendar_month) AS last_month,
    date_diff('month', min(calendar_month), max(calendar_month)) + 1 - count(*) AS missing_months
FROM monthly
GROUP BY source, field_code, well_code
HAVING missing_months > 0
ORDER BY missing_months DESC, source, field, well;
