-- Where each customer bought: the bridge that row-level security filters customers through.
SELECT
    customer_key,
    region_key,
    CAST(COUNT(DISTINCT CASE WHEN is_purchase THEN order_number END) AS INT) AS orders,
    SUM(net_amount) AS net_amount,
    MAX(CASE WHEN is_purchase THEN ordered_on END) AS last_order_on
FROM orders
WHERE customer_key <> 0
GROUP BY customer_key, region_key
ORDER BY customer_key, region_key
