SELECT product_key, product_id, product_name, category, subcategory
FROM dim_product
WHERE product_key <> 0
ORDER BY product_key
