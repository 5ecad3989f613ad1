-- Order lines before and after they find their dimensions.
WITH joined AS (
    SELECT COUNT(*) AS joined_rows
    FROM fact_sales AS f
    INNER JOIN dim_date AS d ON f.date_key = d.date_key
    INNER JOIN dim_region AS r ON f.region_key = r.region_key
    INNER JOIN dim_product AS p ON f.product_key = p.product_key
    INNER JOIN dim_customer AS c ON f.customer_key = c.customer_key
),
plain AS (
    SELECT COUNT(*) AS plain_rows FROM fact_sales
)
SELECT plain.plain_rows, joined.joined_rows
FROM plain
CROSS JOIN joined
