WITH groups AS (
    SELECT d.iso_year, d.iso_week, f.region_key, SUM(CAST(f.net_amount AS DECIMAL(38, 4))) AS net_amount
    FROM fact_sales AS f
    INNER JOIN dim_date AS d ON f.date_key = d.date_key
    GROUP BY d.iso_year, d.iso_week, f.region_key
)
SELECT COUNT(*) AS expected_rows, SUM(net_amount) AS expected_amount FROM groups
