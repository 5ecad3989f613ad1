-- Anonymous sales, and customers who gave everything back, are not scored; dim_customer knows who ever purchased.
WITH groups AS (
    SELECT customer_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount FROM fact_sales GROUP BY customer_key
)
SELECT
    COUNT(*) AS expected_rows,
    SUM(g.net_amount) AS expected_amount,
    COUNT(CASE WHEN c.customer_key = 0 OR c.first_order_on IS NULL THEN 1 END) AS filtered_rows,
    SUM(CASE WHEN c.customer_key = 0 OR c.first_order_on IS NULL THEN g.net_amount ELSE CAST(0 AS DECIMAL(38, 4)) END) AS filtered_amount
FROM groups AS g
INNER JOIN dim_customer AS c ON g.customer_key = c.customer_key
