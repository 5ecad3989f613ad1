-- How many rows order lines would gain in a join with their dimensions. Only members that stand twice can give some, and there
-- are none in a sound star, so that this costs hardly more than reading the keys.
WITH date_twice AS (
    SELECT date_key, COUNT(*) - 1 AS more FROM dim_date GROUP BY date_key HAVING COUNT(*) > 1
),
region_twice AS (
    SELECT region_key, COUNT(*) - 1 AS more FROM dim_region GROUP BY region_key HAVING COUNT(*) > 1
),
product_twice AS (
    SELECT product_key, COUNT(*) - 1 AS more FROM dim_product GROUP BY product_key HAVING COUNT(*) > 1
),
customer_twice AS (
    SELECT customer_key, COUNT(*) - 1 AS more FROM dim_customer GROUP BY customer_key HAVING COUNT(*) > 1
),
gained AS (
    SELECT t.more FROM fact_sales AS f INNER JOIN date_twice AS t ON f.date_key = t.date_key
    UNION ALL
    SELECT t.more FROM fact_sales AS f INNER JOIN region_twice AS t ON f.region_key = t.region_key
    UNION ALL
    SELECT t.more FROM fact_sales AS f INNER JOIN product_twice AS t ON f.product_key = t.product_key
    UNION ALL
    SELECT t.more FROM fact_sales AS f INNER JOIN customer_twice AS t ON f.customer_key = t.customer_key
),
plain AS (
    SELECT COUNT(*) AS plain_rows FROM fact_sales
),
summed AS (
    SELECT COALESCE(SUM(more), 0) AS more FROM gained
)
SELECT plain.plain_rows, plain.plain_rows + summed.more AS joined_rows
FROM plain
CROSS JOIN summed
