WITH per_customer AS (
    SELECT customer_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount FROM fact_sales GROUP BY customer_key
)
SELECT COUNT(DISTINCT COALESCE(c.age_band, 'Unknown')) AS expected_rows, SUM(p.net_amount) AS expected_amount
FROM per_customer AS p
INNER JOIN dim_customer AS c ON p.customer_key = c.customer_key
