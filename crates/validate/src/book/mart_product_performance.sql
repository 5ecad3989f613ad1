WITH published AS (
    SELECT COUNT(*) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount FROM product_performance
),
groups AS (
    SELECT product_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount FROM fact_sales GROUP BY product_key
),
expected AS (
    SELECT COUNT(*) AS expected_rows, SUM(net_amount) AS expected_amount FROM groups
)
SELECT p.rows_out, p.amount, e.expected_rows, e.expected_amount
FROM published AS p
CROSS JOIN expected AS e
