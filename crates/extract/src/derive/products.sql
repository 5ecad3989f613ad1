-- One row a product: of each attribute the latest value that is not NULL, ties by the value itself.
SELECT
    product_id,
    first_value(product_name ORDER BY ordered_at DESC, product_name) FILTER (WHERE product_name IS NOT NULL) AS product_name,
    first_value(category ORDER BY ordered_at DESC, category) FILTER (WHERE category IS NOT NULL) AS category,
    first_value(subcategory ORDER BY ordered_at DESC, subcategory) FILTER (WHERE subcategory IS NOT NULL) AS subcategory,
    CAST(NULL AS VARCHAR) AS brand,
    CAST(NULL AS DECIMAL(18, 4)) AS list_price,
    CAST(NULL AS DECIMAL(18, 4)) AS unit_cost
FROM sales
GROUP BY product_id
