-- Gas-oil ratio and water cut of each well in its last month
-- The ratio is in standard cubic feet of gas to a barrel of oil, the water cut the share of water in water and
-- liquids (in water and oil where there are no liquids), in percent.
-- Wells that gave no oil in that month have no ratio.
SELECT
    source,
    field_name AS field,
    well_name AS well,
    calendar_month,
    round(1000 * gas_production_mmcf / nullif(oil_production_kb, 0)) AS gas_oil_ratio_scf_bbl,
    round(
        100 * water_production_kb / nullif(water_production_kb + coalesce(liquids_production_kb, oil_production_kb), 0), 1
    ) AS water_cut_percent
FROM monthly
QUALIFY calendar_month = max(calendar_month) OVER (PARTITION BY source, field_code, well_code)
ORDER BY gas_oil_ratio_scf_bbl DESC NULLS LAST, source, field, well;
