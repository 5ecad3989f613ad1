-- Sales by the region of the sale.
WITH regions AS (
    SELECT
        region_key,
        SUM(CASE WHEN is_order_of_region THEN 1 ELSE 0 END) AS orders,
        SUM(CASE WHEN is_order_begun THEN 1 ELSE 0 END) AS orders_begun,
        SUM(net_amount) AS net_amount
    FROM orders
    GROUP BY region_key
),
customers_counted AS (
    SELECT region_key, COUNT(DISTINCT customer_key) AS customers
    FROM orders
    WHERE is_purchase AND customer_key <> 0
    GROUP BY region_key
),
shares AS (
    SELECT
        r.region_key,
        COALESCE(c.customers, 0) AS customers,
        r.orders,
        r.orders_begun,
        r.net_amount,
        SUM(r.net_amount) OVER () AS total_amount
    FROM regions AS r
    LEFT JOIN customers_counted AS c ON r.region_key = c.region_key
)
SELECT
    region_key,
    CAST(customers AS INT) AS customers,
    CAST(orders AS INT) AS orders,
    net_amount,
    CASE WHEN total_amount <> 0 THEN CAST(net_amount AS DOUBLE) / CAST(total_amount AS DOUBLE) END AS revenue_share,
    CASE WHEN orders > 0 THEN CAST(net_amount / orders AS DECIMAL(18, 4)) END AS average_order_value,
    CAST(orders_begun AS INT) AS orders_begun
FROM shares
ORDER BY region_key
