-- Lines without a customer, and lines whose customer or product no source knows. The lines are gone over once each for customers,
-- products and regions; who bought where is grouped twice, because counting distinct regions a customer keeps a set for each.
WITH places AS (
    SELECT customer_id, region, COUNT(*) AS sales_lines
    FROM sales
    GROUP BY customer_id, region
),
buyers AS (
    SELECT customer_id, SUM(sales_lines) AS sales_lines, COUNT(region) AS regions
    FROM places
    GROUP BY customer_id
),
by_customer AS (
    SELECT
        SUM(CASE WHEN b.customer_id IS NULL THEN b.sales_lines END) AS anonymous,
        SUM(CASE WHEN b.customer_id IS NOT NULL AND c.customer_id IS NULL THEN b.sales_lines END) AS orphan_customer,
        COUNT(CASE WHEN b.customer_id IS NOT NULL AND b.regions > 1 THEN 1 END) AS several_regions
    FROM buyers AS b
    LEFT JOIN (SELECT DISTINCT customer_id FROM customers) AS c ON b.customer_id = c.customer_id
),
lines_by_product AS (
    SELECT product_id, COUNT(*) AS sales_lines
    FROM sales
    GROUP BY product_id
),
by_product AS (
    SELECT SUM(l.sales_lines) AS orphan_product
    FROM lines_by_product AS l
    LEFT ANTI JOIN products AS p ON l.product_id = p.product_id
),
regions AS (
    SELECT region FROM sales
    UNION
    SELECT region FROM customers
),
by_user AS (
    SELECT COUNT(*) AS strange_region
    FROM users AS u
    LEFT ANTI JOIN regions AS r ON u.region = r.region
),
names AS (
    SELECT column1 AS place, column2 AS finding
    FROM (
        VALUES (1, 'anonymous'), (2, 'orphan_customer'), (3, 'orphan_product'), (4, 'strange_region'), (5, 'several_regions')
    ) AS five
)
SELECT
    n.finding,
    CAST(COALESCE(
        CASE n.place
            WHEN 1 THEN c.anonymous
            WHEN 2 THEN c.orphan_customer
            WHEN 3 THEN p.orphan_product
            WHEN 4 THEN u.strange_region
            ELSE c.several_regions
        END, 0
    ) AS BIGINT) AS found
FROM names AS n
CROSS JOIN by_customer AS c
CROSS JOIN by_product AS p
CROSS JOIN by_user AS u
ORDER BY n.place
