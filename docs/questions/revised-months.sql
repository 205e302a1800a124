-- The oil values that were revised most
-- What later imports replaced: the value before and the one that stands now, in thousand barrels a day.
SELECT
    stored.source,
    stored.field_name AS field,
    stored.well_name AS well,
    stored.production_period,
    older.oil_production_kbd AS oil_before_kbd,
    stored.oil_production_kbd AS oil_now_kbd,
    stored.oil_production_kbd - older.oil_production_kbd AS difference_kbd,
    strftime(older.replaced_at, '%Y-%m-%d %H:%M') AS replaced_at_utc
FROM well_production AS stored
JOIN well_production_history AS older USING (source, field_code, well_code, production_period)
WHERE older.oil_production_kbd IS DISTINCT FROM stored.oil_production_kbd
ORDER BY abs(difference_kbd) DESC NULLS LAST, stored.source, field, well, stored.production_period
LIMIT 200;
