-- Anonymous sales belong to no customer's regions.
WITH published AS (
    SELECT COUNT(*) AS rows_out, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS amount FROM customer_region
),
groups AS (
    SELECT customer_key, region_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount
    FROM fact_sales
    GROUP BY customer_key, region_key
),
expected AS (
    SELECT
        COUNT(*) AS expected_rows,
        SUM(net_amount) AS expected_amount,
        COUNT(CASE WHEN customer_key = 0 THEN 1 END) AS filtered_rows,
        SUM(CASE WHEN customer_key = 0 THEN net_amount ELSE CAST(0 AS DECIMAL(38, 4)) END) AS filtered_amount
    FROM groups
)
SELECT p.rows_out, p.amount, e.expected_rows, e.expected_amount, e.filtered_rows, e.filtered_amount
FROM published AS p
CROSS JOIN expected AS e
