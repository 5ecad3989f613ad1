-- Anonymous sales belong to no customer's regions.
WITH groups AS (
    SELECT customer_key, region_key, SUM(CAST(net_amount AS DECIMAL(38, 4))) AS net_amount
    FROM fact_sales
    GROUP BY customer_key, region_key
)
SELECT
    COUNT(*) AS expected_rows,
    SUM(net_amount) AS expected_amount,
    COUNT(CASE WHEN customer_key = 0 THEN 1 END) AS filtered_rows,
    SUM(CASE WHEN customer_key = 0 THEN net_amount ELSE CAST(0 AS DECIMAL(38, 4)) END) AS filtered_amount
FROM groups
