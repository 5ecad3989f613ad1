-- A customer may have several parts of an order, in regions or on days; nobody knows whose the anonymous ones are.
WITH buyers AS (
    SELECT order_number, customer_key
    FROM orders
    WHERE customer_key <> 0
    GROUP BY order_number, customer_key
),
shared AS (
    SELECT order_number
    FROM buyers
    GROUP BY order_number
    HAVING COUNT(*) > 1
)
SELECT COUNT(*) AS orders
FROM shared
