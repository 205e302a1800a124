-- How each field's oil has changed over a year
-- The oil of each field in its last twelve months next to the twelve before, in thousand barrels, and the change in percent. Fields
-- that have less than two years of data are left out.
WITH months AS (
    SELECT source, field_code, field_name, calendar_month, sum(oil_production_kb) AS oil_kb FROM monthly GROUP BY ALL
),
ends AS (SELECT source, field_code, max(calendar_month) AS last_month FROM months GROUP BY ALL)
SELECT
    months.source,
    arg_max(field_name, calendar_month) AS field,
    last_month,
    round(sum(oil_kb) FILTER (calendar_month > last_month - INTERVAL 12 MONTH), 1) AS last_12_months_kb,
    round(sum(oil_kb) FILTER (calendar_month <= last_month - INTERVAL 12 MONTH), 1) AS the_12_before_kb,
    round(100 * last_12_months_kb / nullif(the_12_before_kb, 0) - 100, 1) AS change_percent
FROM months JOIN ends USING (source, field_code)
WHERE calendar_month > last_month - INTERVAL 24 MONTH
GROUP BY months.source, field_code, last_month
HAVING count(DISTINCT calendar_month) = 24
ORDER BY change_percent, months.source, field;
