WITH groups AS (
    SELECT product_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount FROM fact_sales GROUP BY product_key
)
SELECT COUNT(*) AS expected_rows, SUM(net_amount) AS expected_amount FROM groups
