-- Ids that differ in nothing but case, blanks around them or zeros before them.
WITH ids AS (
    SELECT 'dim_customer.customer_id' AS of_column, customer_id AS id
    FROM dim_customer
    UNION ALL
    SELECT 'dim_product.product_id' AS of_column, product_id AS id
    FROM dim_product
),
alike AS (
    SELECT of_column, COUNT(*) AS ids, MIN(id) AS one, MAX(id) AS other
    FROM ids
    WHERE id IS NOT NULL
    GROUP BY of_column, ltrim(lower(btrim(id)), '0')
    HAVING COUNT(*) > 1
)
SELECT of_column, CAST(SUM(ids) AS BIGINT) AS ids, MIN(concat('''', one, ''' and ''', other, '''')) AS example
FROM alike
GROUP BY of_column
ORDER BY of_column
