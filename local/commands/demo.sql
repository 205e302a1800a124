-- name: rejected
SELECT reason, count(*) AS rows, first(detail ORDER BY page, position), first(raw ORDER BY page, position)
FROM rejected_rows
WHERE job_id = $job_id
GROUP BY reason
ORDER BY rows DESC, reason;

-- name: top_fields
SELECT
    coalesce(field_name, field_code) AS field,
    count(DISTINCT well_code) AS wells,
    round(sum(oil_production_kbd * period_days)) AS oil_thousand_barrels
FROM well_production
GROUP BY field
ORDER BY oil_thousand_barrels DESC NULLS LAST
LIMIT 5;

-- name: oil_by_period
SELECT production_period, sum(oil_production_kbd), max(period_days)
FROM well_production
WHERE oil_production_kbd IS NOT NULL
GROUP BY production_period
ORDER BY production_period;

-- name: has_job
SELECT 1 FROM import_runs WHERE job_id = ?;
