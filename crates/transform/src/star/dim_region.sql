-- Every region a sale or a customer names, and the Unknown member.
WITH names AS (
    SELECT region FROM sales WHERE region IS NOT NULL
    UNION
    SELECT region FROM customers WHERE region IS NOT NULL
)
SELECT surrogate_key(region) AS region_key, region AS region_name
FROM names
UNION ALL
SELECT column1 AS region_key, column2 AS region_name
FROM (VALUES (0, 'Unknown')) AS unknown_member
ORDER BY region_key
