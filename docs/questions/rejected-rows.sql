-- Why rows were rejected, import by import
-- The reasons with the most rows first. Each rejected row is kept as the source sent it, in the column raw of rejected_rows.
SELECT
    strftime(merged_at, '%Y-%m-%d %H:%M') AS merged_at_utc,
    runs.source,
    reason,
    count(*) AS rows,
    any_value(detail) AS for_example
FROM rejected_rows JOIN import_runs AS runs USING (job_id)
GROUP BY job_id, merged_at, runs.source, reason
ORDER BY merged_at DESC, rows DESC, reason;
