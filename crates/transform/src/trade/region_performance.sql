-- Sales by the region of the sale.
WITH regions AS (
    SELECT
        region_key,
        COUNT(DISTINCT CASE WHEN is_purchase AND customer_key <> 0 THEN customer_key END) AS customers,
        COUNT(DISTINCT CASE WHEN is_purchase THEN order_number END) AS orders,
        SUM(net_amount) AS net_amount
    FROM orders
    GROUP BY region_key
),
shares AS (
    SELECT region_key, customers, orders, net_amount, SUM(net_amount) OVER () AS total_amount
    FROM regions
)
SELECT
    region_key,
    CAST(customers AS INT) AS customers,
    CAST(orders AS INT) AS orders,
    net_amount,
    CASE WHEN total_amount <> 0 THEN CAST(net_amount AS DOUBLE) / CAST(total_amount AS DOUBLE) END AS revenue_share,
    CASE WHEN orders > 0 THEN CAST(net_amount / orders AS DECIMAL(18, 4)) END AS average_order_value
FROM shares
ORDER BY region_key
