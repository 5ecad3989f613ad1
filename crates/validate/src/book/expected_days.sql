WITH groups AS (
    SELECT date_key, region_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount FROM fact_sales GROUP BY date_key, region_key
)
SELECT COUNT(*) AS expected_rows, SUM(net_amount) AS expected_amount FROM groups
