-- Products sold though the products source does not have them. Known ones fall out before the texts are compared, and sales are
-- asked only where some are known to name others.
WITH inferred AS (
    SELECT DISTINCT s.product_id
    FROM sales AS s
    LEFT ANTI JOIN (SELECT surrogate_key(product_id) AS product_key FROM products) AS p
        ON surrogate_key(s.product_id) = p.product_key
    WHERE CAST($orphan_products AS BOOLEAN)
)
SELECT
    surrogate_key(product_id) AS product_key,
    product_id,
    product_name,
    category,
    subcategory,
    brand,
    list_price,
    unit_cost,
    TRUE AS is_known
FROM products
UNION ALL
SELECT
    surrogate_key(product_id) AS product_key,
    product_id,
    NULL AS product_name,
    NULL AS category,
    NULL AS subcategory,
    NULL AS brand,
    NULL AS list_price,
    NULL AS unit_cost,
    FALSE AS is_known
FROM inferred
UNION ALL
SELECT
    column1 AS product_key,
    CAST(column2 AS VARCHAR) AS product_id,
    column3 AS product_name,
    CAST(column2 AS VARCHAR) AS category,
    CAST(column2 AS VARCHAR) AS subcategory,
    CAST(column2 AS VARCHAR) AS brand,
    CAST(column2 AS DECIMAL(18, 4)) AS list_price,
    CAST(column2 AS DECIMAL(18, 4)) AS unit_cost,
    FALSE AS is_known
FROM (VALUES (0, NULL, 'Unknown')) AS unknown_member
ORDER BY product_key
