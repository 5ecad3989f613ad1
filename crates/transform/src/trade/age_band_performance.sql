-- Sales by the age band of the customer at as_of; anonymous sales and customers of unknown age are one band.
WITH buyers AS (
    SELECT
        customer_key,
        SUM(net_amount) AS net_amount,
        MAX(CASE WHEN is_purchase AND customer_key <> 0 THEN 1 ELSE 0 END) AS customers
    FROM orders
    GROUP BY customer_key
),
banded AS (
    SELECT
        COALESCE(c.age_band, 'Unknown') AS age_band,
        CAST(SUM(b.customers) AS INT) AS customers,
        SUM(b.net_amount) AS net_amount
    FROM buyers AS b
    LEFT JOIN dim_customer AS c ON b.customer_key = c.customer_key
    GROUP BY COALESCE(c.age_band, 'Unknown')
),
-- One distinct count a statement is a grouping of a grouping, which may be larger than memory.
orders_counted AS (
    SELECT COALESCE(c.age_band, 'Unknown') AS age_band, COUNT(DISTINCT o.order_number) AS orders
    FROM orders AS o
    LEFT JOIN dim_customer AS c ON o.customer_key = c.customer_key
    WHERE o.is_purchase
    GROUP BY COALESCE(c.age_band, 'Unknown')
)
SELECT
    b.age_band,
    b.customers,
    CAST(COALESCE(o.orders, 0) AS INT) AS orders,
    b.net_amount,
    CASE WHEN o.orders > 0 THEN CAST(b.net_amount / o.orders AS DECIMAL(18, 4)) END AS average_order_value
FROM banded AS b
LEFT JOIN orders_counted AS o ON b.age_band = o.age_band
ORDER BY b.age_band
