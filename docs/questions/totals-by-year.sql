-- Oil, gas and water by year
-- Volumes of all wells of a source: thousand barrels, and million standard cubic feet of gas.
SELECT
    source,
    year(calendar_month) AS year,
    count(DISTINCT (field_code, well_code)) AS wells,
    round(sum(oil_production_kb), 1) AS oil_kb,
    round(sum(gas_production_mmcf), 1) AS gas_mmcf,
    round(sum(water_production_kb), 1) AS water_kb
FROM monthly
GROUP BY ALL
ORDER BY source, year;
