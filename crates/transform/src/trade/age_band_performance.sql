-- Sales by the age band of the customer at as_of; anonymous sales and customers of unknown age are one band.
WITH banded AS (
    SELECT
        COALESCE(c.age_band, 'Unknown') AS age_band,
        COUNT(DISTINCT CASE WHEN o.is_purchase AND o.customer_key <> 0 THEN o.customer_key END) AS customers,
        COUNT(DISTINCT CASE WHEN o.is_purchase THEN o.order_number END) AS orders,
        SUM(o.net_amount) AS net_amount
    FROM orders AS o
    LEFT JOIN dim_customer AS c ON o.customer_key = c.customer_key
    GROUP BY COALESCE(c.age_band, 'Unknown')
)
SELECT
    age_band,
    CAST(customers AS INT) AS customers,
    CAST(orders AS INT) AS orders,
    net_amount,
    CASE WHEN orders > 0 THEN CAST(net_amount / orders AS DECIMAL(18, 4)) END AS average_order_value
FROM banded
ORDER BY age_band
