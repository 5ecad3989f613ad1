-- Recency, frequency and monetary value of every customer with a purchase. Returns count against the money, never as activity.
WITH customers_seen AS (
    SELECT
        customer_key,
        MAX(CASE WHEN is_purchase THEN ordered_on END) AS last_purchase_on,
        COUNT(DISTINCT CASE WHEN is_purchase THEN order_id END) AS orders,
        COUNT(DISTINCT CASE WHEN is_purchase THEN ordered_on END) AS purchase_days,
        COUNT(DISTINCT CASE WHEN is_purchase AND discount_amount > 0 THEN order_id END) AS discounted_orders,
        SUM(net_amount) AS monetary,
        SUM(gross_amount) AS gross_amount,
        SUM(discount_amount) AS discount_amount
    FROM orders
    WHERE customer_key <> 0
    GROUP BY customer_key
)
SELECT
    s.customer_key,
    c.customer_id,
    c.region_key,
    s.last_purchase_on,
    CAST(CAST($as_of AS DATE) AS INT) - CAST(s.last_purchase_on AS INT) AS days_since_last_order,
    CAST(CASE WHEN CAST($by_purchase_days AS BOOLEAN) THEN s.purchase_days ELSE s.orders END AS INT) AS frequency,
    CAST(s.orders AS INT) AS orders,
    CAST(s.discounted_orders AS INT) AS discounted_orders,
    s.monetary,
    s.gross_amount,
    s.discount_amount
FROM customers_seen AS s
INNER JOIN dim_customer AS c ON s.customer_key = c.customer_key
WHERE s.orders > 0
ORDER BY s.customer_key
