-- Lines without a customer, and lines whose customer or product no source knows. The lines are gone over once each for customers
-- and products. Numbers are grouped and compared several times faster than texts, so ids go by their keys; that of nobody is 0.
WITH buyers AS (
    SELECT customer, COUNT(*) AS sales_lines, MIN(region) AS least_region, MAX(region) AS greatest_region
    FROM (
        SELECT surrogate_key(customer_id) AS customer, NULLIF(surrogate_key(region), 0) AS region
        FROM sales
    ) AS s
    GROUP BY customer
),
by_customer AS (
    SELECT
        SUM(CASE WHEN b.customer = 0 THEN b.sales_lines END) AS anonymous,
        SUM(CASE WHEN b.customer <> 0 AND c.customer IS NULL THEN b.sales_lines END) AS orphan_customer,
        COUNT(CASE WHEN b.customer <> 0 AND b.least_region < b.greatest_region THEN 1 END) AS several_regions
    FROM buyers AS b
    LEFT JOIN (SELECT DISTINCT surrogate_key(customer_id) AS customer FROM customers) AS c ON b.customer = c.customer
),
lines_by_product AS (
    SELECT product, COUNT(*) AS sales_lines
    FROM (SELECT surrogate_key(product_id) AS product FROM sales) AS s
    GROUP BY product
),
by_product AS (
    SELECT SUM(l.sales_lines) AS orphan_product
    FROM lines_by_product AS l
    LEFT ANTI JOIN (SELECT surrogate_key(product_id) AS product FROM products) AS p ON l.product = p.product
),
names AS (
    SELECT column1 AS place, column2 AS finding
    FROM (
        VALUES (1, 'anonymous'), (2, 'orphan_customer'), (3, 'orphan_product'), (4, 'several_regions')
    ) AS four
)
SELECT
    n.finding,
    CAST(COALESCE(
        CASE n.place
            WHEN 1 THEN c.anonymous
            WHEN 2 THEN c.orphan_customer
            WHEN 3 THEN p.orphan_product
            ELSE c.several_regions
        END, 0
    ) AS BIGINT) AS found
FROM names AS n
CROSS JOIN by_customer AS c
CROSS JOIN by_product AS p
ORDER BY n.place
