-- Products that the source has more than once, by their ids.
SELECT product_id AS id
FROM dim_product
WHERE product_id IS NOT NULL
GROUP BY product_id
HAVING COUNT(*) > 1
ORDER BY id
