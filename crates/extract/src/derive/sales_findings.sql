-- Lines without a customer, and lines whose customer or product no source knows.
WITH lines_by_customer AS (
    SELECT customer_id, COUNT(*) AS sales_lines, COUNT(DISTINCT region) AS regions
    FROM sales
    GROUP BY customer_id
),
lines_by_product AS (
    SELECT product_id, COUNT(*) AS sales_lines
    FROM sales
    GROUP BY product_id
),
regions AS (
    SELECT region FROM sales
    UNION
    SELECT region FROM customers
)
SELECT 'anonymous' AS finding, CAST(COALESCE(SUM(sales_lines), 0) AS BIGINT) AS found
FROM lines_by_customer
WHERE customer_id IS NULL
UNION ALL
SELECT 'orphan_customer' AS finding, CAST(COALESCE(SUM(l.sales_lines), 0) AS BIGINT) AS found
FROM lines_by_customer AS l
LEFT ANTI JOIN customers AS c ON l.customer_id = c.customer_id
WHERE l.customer_id IS NOT NULL
UNION ALL
SELECT 'orphan_product' AS finding, CAST(COALESCE(SUM(l.sales_lines), 0) AS BIGINT) AS found
FROM lines_by_product AS l
LEFT ANTI JOIN products AS p ON l.product_id = p.product_id
UNION ALL
SELECT 'strange_region' AS finding, COUNT(*) AS found
FROM users AS u
LEFT ANTI JOIN regions AS r ON u.region = r.region
UNION ALL
SELECT 'several_regions' AS finding, COUNT(*) AS found
FROM lines_by_customer
WHERE customer_id IS NOT NULL AND regions > 1
