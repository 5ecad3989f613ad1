WITH published AS (
    SELECT COUNT(*) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount FROM age_band_performance
),
per_customer AS (
    SELECT customer_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount FROM fact_sales GROUP BY customer_key
),
expected AS (
    SELECT COUNT(DISTINCT COALESCE(c.age_band, 'Unknown')) AS expected_rows, SUM(p.net_amount) AS expected_amount
    FROM per_customer AS p
    INNER JOIN dim_customer AS c ON p.customer_key = c.customer_key
)
SELECT p.rows_out, p.amount, e.expected_rows, e.expected_amount
FROM published AS p
CROSS JOIN expected AS e
